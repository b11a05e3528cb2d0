//! Generates the binding to libxenctrl from the installed headers.
//!
//! Nothing is linked here. `src/xen/library.rs` opens the library at run time, in the version that
//! matches the running hypervisor.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

/// The functions of libxenctrl that xenscope calls. Those of libxencall are found through it,
/// because libxenctrl is linked to libxencall.
const FUNCTIONS: &[&str] = &[
    "xc_interface_open",
    "xc_interface_close",
    "xc_domain_getinfolist",
    "xc_vcpu_getinfo",
    "xc_vcpu_getaffinity",
    "xc_get_cpumap_size",
    "xc_physinfo",
    "xc_getcpuinfo",
    "xc_cputopoinfo",
    "xc_numainfo",
    "xc_cpupool_getinfo",
    "xc_cpupool_infofree",
    "xc_sched_credit_domain_get",
    "xc_sched_credit2_domain_get",
    "xc_sched_rtds_vcpu_get",
    "xc_sched_credit_params_get",
    "xc_gnttab_query_size",
    "xc_domain_get_pod_target",
    "xc_sharing_used_frames",
    "xc_sharing_freed_pages",
    "xc_pm_get_max_cx",
    "xc_pm_get_cxstat",
    "xc_version",
    "xc_flask_getenforce",
    "xc_interface_xcall_handle",
    "xencall_alloc_buffer",
    "xencall_free_buffer",
    "xencall1",
    "xencall2",
    "xencall3",
    "xc_resource_op",
    "vsnprintf",
];

/// Types that no function's signature names.
const TYPES: &[&str] = &[
    "xen_extraversion_t",
    "xen_compile_info",
    "xen_capabilities_info_t",
    "xen_changeset_info_t",
    "xen_commandline_t",
    "xen_build_id",
    "xen_hvm_get_time",
    "vcpu_runstate_info",
    "xen_sysctl_tbuf_op",
    "evtchn_status",
];
/// Constants, as regular expressions.
const CONSTANTS: &[&str] = &[
    "XEN_DOMINF_.*",
    "SHUTDOWN_.*",
    "XENVER_(version|extraversion|compile_info|capabilities|changeset|commandline|build_id)",
    "XEN_SCHEDULER_.*",
    "XEN_DOMCTL_SCHEDRT_extra",
    "XEN_VCPUAFFINITY_(HARD|SOFT)",
    "XEN_X86_EMU_.*",
    "XC_PAGE_SHIFT",
    "__HYPERVISOR_hvm_op",
    "HVMOP_get_time",
    "__HYPERVISOR_vcpu_op",
    "VCPUOP_get_runstate_info",
    "RUNSTATE_(running|runnable|blocked|offline)",
    "XEN_RESOURCE_OP_MSR_READ",
    "__HYPERVISOR_sysctl",
    "XEN_SYSCTL_tbuf_op",
    "XEN_SYSCTL_physinfo",
    "__HYPERVISOR_domctl",
    "XEN_DOMCTL_getdomaininfo",
    "EVTCHNSTAT_virq",
    "XEN_SYSCTL_TBUFOP_get_info",
    "VIRQ_TBUF",
    "TRC_(SCHED_MIN|SCHED_RUNSTATE_CHANGE|SCHED_CONTINUE_RUNNING|LOST_RECORDS|ALL)",
];

/// Makes the linker pack the relative relocations (DT_RELR). There are thousands, because the
/// program is position-independent.
const PACK: &str = "-Wl,-z,pack-relative-relocs";

/// A program that calls a function of glibc 2.36, the first version that supports DT_RELR.
const PROBE: &str = "
    unsafe extern \"C\" { safe fn arc4random() -> u32; }
    fn main() { std::process::exit(arc4random() as i32) }
";

/// Returns the source of the binding, generated from the `<xenctrl.h>` in `include_dirs` or the
/// compiler's search path.
///
/// `tests/integration/layout.rs` generates it from the headers of two Xen versions and compares
/// them.
pub fn binding(include_dirs: &[PathBuf]) -> Result<String, bindgen::BindgenError> {
    let mut builder = bindgen::builder()
        .header(concat!(env!("CARGO_MANIFEST_DIR"), "/wrapper.h"))
        // Without this, xenctrl.h hides the domctl and sysctl structures.
        .clang_arg("-D__XEN_TOOLS__")
        .clang_args(
            include_dirs
                .iter()
                .map(|dir| format!("-I{}", dir.display())),
        )
        .dynamic_library_name("LibXenCtrl")
        .dynamic_link_require_all(true)
        .prepend_enum_name(false)
        .derive_default(true)
        .generate_comments(false)
        .layout_tests(true);
    for name in FUNCTIONS {
        builder = builder.allowlist_function(name);
    }
    for name in TYPES {
        builder = builder.allowlist_type(name);
    }
    for name in CONSTANTS {
        builder = builder.allowlist_var(name);
    }
    Ok(builder.generate()?.to_string())
}

fn main() {
    println!("cargo::rerun-if-changed=wrapper.h");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    // Position-independent code and full RELRO are rustc's default;
    // tests/integration/hardening.rs checks them.
    if can_pack(&out) {
        println!("cargo::rustc-link-arg-bins={PACK}");
    }

    // xencontrol.pc is libxen-dev's name for libxenctrl.
    let library = pkg_config::Config::new()
        .cargo_metadata(false)
        .env_metadata(true)
        .probe("xencontrol")
        .unwrap_or_else(|error| {
            fail(&format!(
                "the headers of libxenctrl were not found: install libxen-dev (Debian) or point \
                 PKG_CONFIG_PATH at the folder of xencontrol.pc: {error}"
            ))
        });
    let source = binding(&library.include_paths)
        .unwrap_or_else(|error| fail(&format!("bindgen could not read xenctrl.h: {error}")));
    let file = out.join("binding.rs");
    if let Err(error) = fs::write(&file, source) {
        fail(&format!("{}: {error}", file.display()));
    }
}

/// Returns whether the program may be linked with [`PACK`]: the linker has the option, and the
/// target's glibc supports DT_RELR.
///
/// A glibc before 2.36 does not start such a program. A program that is linked against an older
/// glibc, for example a release for 2.17, must be linked without the option. Some linkers refuse an
/// unknown option, others only warn. So this links [`PROBE`] with the compiler, the flags and the
/// linker that cargo uses for the program; if that fails for any reason, this returns `false`.
fn can_pack(out: &Path) -> bool {
    let variable = |name| env::var(name).unwrap_or_default();
    if variable("CARGO_CFG_TARGET_ENV") != "gnu" {
        return false;
    }
    let source = out.join("probe.rs");
    if fs::write(&source, PROBE).is_err() {
        return false;
    }
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    let mut rustc = Command::new(variable("RUSTC"));
    rustc
        .args(["--edition=2024", "--crate-type=bin", "--cap-lints=allow"])
        .args(["--target", &variable("TARGET")])
        .args(flags.split('\x1f').filter(|flag| !flag.is_empty()))
        .arg(format!("-Clink-arg={PACK}"))
        .arg("-o")
        .args([&out.join("probe"), &source]);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    rustc.output().is_ok_and(|output| output.status.success())
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1)
}
