//! One QEMU that runs Xen: starts it, watches it, and sends commands to dom0's agent.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::image::{Image, Writes};
use crate::paths;
use crate::protocol::{self, Exec, FromDom0, Size, ToDom0};
use crate::serial;
use crate::tied;
use crate::xen::{Userland, Xen};

/// dom0's memory in MiB, which also holds its root file system.
const DOM0_MEMORY: u32 = 768;

/// The machine's usual memory in MiB, and the most that lies below 4 GiB.
///
/// QEMU cuts the address of a guest's control block to 32 bits while the guest is not in long mode: with memory above
/// 4 GiB, that of a PVH guest, which starts in 32-bit mode, is written over something else.
pub const USUAL_MEMORY: u32 = 3072;

/// The port of `xenscope export` in dom0.
pub const EXPORTER_PORT: u16 = 14170;

/// What the machine is made of.
#[derive(Debug, Clone, Copy)]
pub struct Hardware {
    /// Its memory in MiB.
    pub memory: u32,
    /// Its CPUs.
    pub cpus: u16,
    /// Its NUMA nodes. Each has an equal part of the memory and of the CPUs, which are a socket.
    pub nodes: u16,
}

impl Hardware {
    /// The usual machine.
    pub const USUAL: Self = Self {
        memory: USUAL_MEMORY,
        cpus: 2,
        nodes: 1,
    };

    /// Fails if the CPUs cannot be split evenly over the nodes.
    pub fn check(self) -> Result<()> {
        if !self.cpus.is_multiple_of(self.nodes) {
            bail!(
                "{} CPUs cannot be split evenly over {} nodes",
                self.cpus,
                self.nodes
            );
        }
        Ok(())
    }

    /// Adds QEMU's options for the CPUs and the memory.
    fn options(self, command: &mut Command) {
        let Self {
            memory,
            cpus,
            nodes,
        } = self;
        let each = cpus / nodes;
        command
            .arg("-smp")
            .arg(format!("{cpus},sockets={nodes},cores={each},threads=1"))
            .args(["-m", &memory.to_string()]);
        if nodes == 1 {
            return;
        }
        let part = memory / u32::from(nodes);
        for node in 0..nodes {
            let (first, last) = (node * each, (node + 1) * each - 1);
            command
                .arg("-object")
                .arg(format!("memory-backend-ram,id=node{node},size={part}M"))
                .arg("-numa")
                .arg(format!(
                    "node,nodeid={node},cpus={first}-{last},memdev=node{node}"
                ));
        }
    }
}

/// What happens while a command runs in dom0.
pub enum Event {
    /// A message from dom0.
    Dom0(FromDom0),
    /// The caller's terminal has another size now.
    Resized(Size),
    /// The machine has crashed or ended: why.
    Lost(String),
}

/// The channel to dom0, shared by the threads that write to it.
#[derive(Clone)]
pub struct Dom0(Arc<Mutex<ChildStdin>>);

impl Dom0 {
    /// Sends a message to dom0's agent.
    pub fn tell(&self, message: &ToDom0) -> Result<()> {
        let mut channel = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        protocol::send(&mut *channel, message).context("the channel to dom0 is closed")
    }
}

/// A running machine; dropped, it is killed.
pub struct Machine {
    qemu: Child,
    dom0: Dom0,
    events: Receiver<Event>,
    sender: Sender<Event>,
    /// Where Xen's and dom0's consoles are logged.
    pub log: PathBuf,
}

impl Machine {
    /// Starts QEMU. dom0 is up when [`Machine::wait_ready`] returns.
    ///
    /// With `one_thread` the CPUs take turns on one core of the host, else each has a thread. Two
    /// machines at a time need that on two cores: a CPU that waits for another one to answer its
    /// interrupt waits for the host to run that one's thread. So do PVH guests: with a thread for
    /// each CPU, QEMU's emulation of SVM is unsound: it sometimes continues with the hypervisor's
    /// registers in the guest's context, and the guest "triple faults". With one thread for all
    /// CPUs, PVH guests run longer, but an interrupt is sometimes delivered twice, and a guest that
    /// is always busy crashes within a minute.
    ///
    /// With `exporter_port`, dom0 has a NIC, and this port of the host leads to [`EXPORTER_PORT`] in dom0.
    pub fn start(
        xen: Xen,
        userland: Userland,
        hardware: Hardware,
        one_thread: bool,
        exporter_port: Option<u16>,
        image: &Image,
    ) -> Result<Self> {
        let logs = paths::logs();
        fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        let log = logs.join(format!(
            "xen-{}-{}-{}.log",
            xen.label(),
            userland.label(),
            process::id()
        ));
        // QEMU's own messages go to the same file, hence both append.
        let errors = fs::remove_file(&log)
            .or(Ok(()))
            .and_then(|()| OpenOptions::new().create(true).append(true).open(&log))
            .with_context(|| format!("cannot create {}", log.display()))?;

        let mut command = tied::command("qemu-system-x86_64");
        command
            // Without AVX there is less to save at each switch of vCPUs: a loop of awk's took 3.8 and 4.8 s in dom0 for
            // 5.4 and 6.4.
            .args([
                "-accel",
                if one_thread {
                    "tcg,thread=single"
                } else {
                    "tcg,thread=multi"
                },
                "-cpu",
                "max,-smap,-smep,-rdtscp,-xsave,-avx,-avx2",
            ])
            .args(["-nodefaults", "-no-user-config", "-display", "none"])
            .arg("-chardev")
            .arg(format!("file,id=log,append=on,path={}", comma_safe(&log)?))
            .args(["-serial", "chardev:log"])
            // Xen gives a PV dom0 memory that is not where dom0 thinks it is: the device has to use
            // the addresses that Linux translates for it, which iommu_platform enables.
            .args(["-chardev", "stdio,id=channel,signal=off"])
            .args([
                "-device",
                "virtio-serial-pci,disable-legacy=on,iommu_platform=on",
            ])
            .args(["-device", "virtserialport,chardev=channel"])
            .arg("-kernel")
            .arg(&image.hypervisor)
            .arg("-append")
            .arg(format!(
                // eager-fpu: QEMU does not trap all vector instructions when Xen has disabled the
                // FPU, so with lazy switching a domain computes with another one's vector
                // registers.
                "console=com1 com1=115200,8n1 bootscrub=0 spec-ctrl=eager-fpu dom0_max_vcpus=1 \
                 dom0_mem={DOM0_MEMORY}M,max:{DOM0_MEMORY}M"
            ))
            .arg("-initrd")
            // nowatchdog: an emulated TSC is sometimes late, and the watchdog then disables it, so
            // each read of the clock is a system call.
            .arg(format!(
                "{} console=hvc0 tsc=nowatchdog {},{}",
                comma_safe(&image.kernel)?,
                image.arguments,
                comma_safe(&image.initramfs)?
            ))
            // Out of the terminal's process group: Ctrl-C is the lab's to handle.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors);
        hardware.options(&mut command);
        if userland != Userland::Debian {
            // Only Debian is rebooted, so a reset of another dom0 is a crash.
            command.arg("-no-reboot");
        }
        if let Some(port) = exporter_port {
            command
                .arg("-netdev")
                .arg(format!(
                    "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:{EXPORTER_PORT}"
                ))
                .arg("-device")
                // It boots from no network, so QEMU needs no ROM for it.
                .arg("virtio-net-pci,netdev=net,disable-legacy=on,iommu_platform=on,romfile=");
        }
        for (serial, file, writes) in &image.disks {
            let mode = match writes {
                // What is written goes to a file of QEMU's that has no name.
                Writes::Dropped => "snapshot=on,cache=unsafe",
                Writes::Refused => "readonly=on",
                Writes::Kept => "cache=writeback",
            };
            let file = comma_safe(file)?;
            command
                .arg("-drive")
                .arg(format!("if=none,format=raw,id={serial},{mode},file={file}"))
                .arg("-device")
                .arg(format!(
                    "virtio-blk-pci,drive={serial},serial={serial},disable-legacy=on,iommu_platform=on"
                ));
        }
        let mut qemu = command.spawn().context("cannot start qemu-system-x86_64")?;
        let (Some(stdin), Some(mut stdout)) = (qemu.stdin.take(), qemu.stdout.take()) else {
            bail!("QEMU has no channel");
        };

        let (sender, events) = mpsc::channel();
        let dom0 = sender.clone();
        thread::spawn(move || {
            // The receiver is dropped only with the machine.
            while let Ok(Some(message)) = protocol::receive(&mut stdout) {
                let _ = dom0.send(Event::Dom0(message));
            }
            let _ = dom0.send(Event::Lost("QEMU has ended".into()));
        });
        let console = sender.clone();
        serial::watch(log.clone(), move |line| {
            let _ = console.send(Event::Lost(format!("the machine has crashed: {line}")));
        });
        Ok(Self {
            qemu,
            dom0: Dom0(Arc::new(Mutex::new(stdin))),
            events,
            sender,
            log,
        })
    }

    /// Returns the channel to dom0, for a thread that sends input to a command.
    pub fn dom0(&self) -> Dom0 {
        self.dom0.clone()
    }

    /// Returns a sender with which a thread reports events.
    pub fn sender(&self) -> Sender<Event> {
        self.sender.clone()
    }

    /// Waits until dom0's daemons run.
    pub fn wait_ready(&mut self, limit: Instant) -> Result<()> {
        match self.next(Some(limit)).context("dom0 has not come up")? {
            FromDom0::Ready => Ok(()),
            FromDom0::Failed(reason) => Err(self.lost(&format!("dom0 has not come up: {reason}"))),
            other => bail!("unexpected message while dom0 boots: {other:?}"),
        }
    }

    /// Reboots dom0, and waits until its daemons run again. QEMU keeps what was written to the disks.
    pub fn reboot(&mut self, exec: Exec, limit: Instant) -> Result<()> {
        self.dom0.tell(&ToDom0::Exec(exec))?;
        loop {
            match self
                .next(Some(limit))
                .context("dom0 has not come up again")?
            {
                FromDom0::Ready => return Ok(()),
                FromDom0::Failed(reason) => {
                    return Err(self.lost(&format!("dom0 has not come up again: {reason}")));
                }
                FromDom0::Exit(code @ 1..128) => bail!("dom0 refuses to reboot: code {code}"),
                // The old boot ends while the command runs or later.
                FromDom0::Stdout(_) | FromDom0::Stderr(_) | FromDom0::Exit(_) => {}
            }
        }
    }

    /// Runs a command in dom0 and passes on its output; returns its exit code.
    pub fn exec(
        &mut self,
        exec: Exec,
        limit: Option<Instant>,
        stdout: &mut dyn Write,
        stderr: &mut dyn Write,
    ) -> Result<i32> {
        self.dom0.tell(&ToDom0::Exec(exec))?;
        loop {
            let written = match self.next(limit)? {
                FromDom0::Stdout(bytes) => stdout.write_all(&bytes).and_then(|()| stdout.flush()),
                FromDom0::Stderr(bytes) => stderr.write_all(&bytes).and_then(|()| stderr.flush()),
                FromDom0::Exit(code) => return Ok(code),
                other => bail!("unexpected message while a command runs: {other:?}"),
            };
            written.context("cannot write a command's output")?;
        }
    }

    /// Returns the next message from dom0, and handles other events until it arrives.
    fn next(&mut self, limit: Option<Instant>) -> Result<FromDom0> {
        loop {
            let wait = limit.map_or(Duration::MAX, |limit| {
                limit.saturating_duration_since(Instant::now())
            });
            match self.events.recv_timeout(wait) {
                Ok(Event::Dom0(message)) => return Ok(message),
                Ok(Event::Resized(size)) => self.dom0.tell(&ToDom0::Resize(size))?,
                Ok(Event::Lost(reason)) => return Err(self.lost(&reason)),
                Err(RecvTimeoutError::Timeout) => return Err(self.lost("it takes too long")),
                // Not while there is a sender.
                Err(RecvTimeoutError::Disconnected) => bail!("nothing watches the machine"),
            }
        }
    }

    /// Returns an error with the last lines of the serial console.
    fn lost(&self, reason: &str) -> anyhow::Error {
        // Xen prints its registers after the line that identifies a crash.
        thread::sleep(Duration::from_secs(1));
        anyhow!("{reason}; {}", serial::excerpt(&self.log))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Errors are ignored: it ends now if it has not already.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// Returns a path as part of a comma-separated option.
fn comma_safe(path: &std::path::Path) -> Result<String> {
    let text = path
        .to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))?;
    if text.contains([',', ' ']) {
        bail!("{text} has a comma or a space, at which QEMU splits it: move the repository");
    }
    Ok(text.to_owned())
}
