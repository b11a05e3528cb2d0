//! The texts of the manual pages, a constant for each command.

use super::pages::{NOTHING, Page};

/// Returns the texts of this command's page; [`NOTHING`] for an unknown command.
pub(super) fn page(command: &str) -> Page {
    match command {
        "xenscope" => XENSCOPE,
        "list" => LIST,
        "status" => STATUS,
        "vcpus" => VCPUS,
        "waits" => WAITS,
        "host" => HOST,
        "top" => TOP,
        "audit" => AUDIT,
        "compare" => COMPARE,
        "doctor" => DOCTOR,
        "events" => EVENTS,
        "export" => EXPORT,
        "record" => RECORD,
        "report" => REPORT,
        "man" => MAN,
        "fields" => FIELDS,
        "completions" => COMPLETIONS,
        _ => NOTHING,
    }
}

const DOMAINS: &str = "DOMAIN is a domain's ID, its exact name or its UUID. If that is ambiguous, \
    use id:5, name:5 or uuid:... instead.";

const FORMATS: &str = "--format table is for people, and may change. JSON and CSV have fields with \
    the same names; times are in nanoseconds and memory is in bytes.";

const DRIVER_DOMAINS: &str = "A device that another domain than dom0 serves is shown with that domain, \
    without figures: dom0 cannot see its counters. A sum that lacks a part is unknown.";

const FAILED_SAMPLES: &str = "A sample that fails is reported, and tried again within a second. \
    After ten in a row the command ends.";

const XENSCOPE: Page = Page {
    description: &[
        DOMAINS,
        FORMATS,
        "Started under the name xentop, xenscope behaves as xenscope top and takes xentop's options.",
    ],
    reads_host: true,
    failure: "A check of audit failed, compare found a difference, doctor found something in the way, a named domain \
        does not exist, or nothing was recorded of that time",
    wrong_usage: "a name that two domains have",
    environment: &[],
    files: &[],
    examples: &[
        ("xenscope top", "Watch all domains."),
        ("xenscope status web", "Show what the domain web uses."),
        (
            "xenscope -v list",
            "Also print which Xen and which library were found, and how XenStore is reached.",
        ),
        (
            "xenscope top -b -d 10 --format json",
            "Print what all domains use every ten seconds, one JSON object per line.",
        ),
    ],
    see_also: &[("xl", "1"), ("xentop", "1")],
};

const LIST: Page = Page {
    description: &[FORMATS],
    reads_host: true,
    examples: &[
        ("xenscope list", "List all domains."),
        (
            "xenscope list --format json | jq -r '.domains[] | select(.state == \"paused\").name'",
            "Print the names of the paused domains.",
        ),
    ],
    see_also: &[("xl", "1")],
    ..NOTHING
};

const STATUS: Page = Page {
    description: &[
        DOMAINS,
        "CPU % is relative to one pCPU: a domain that keeps two busy uses 200 %. LATENCY is the \
         mean time of the completed read and write requests; only disks with a tapdisk have it. \
         NO SLOTS counts how often no request slot was free. Received and sent are as the guest \
         sees them.",
        DRIVER_DOMAINS,
        FORMATS,
    ],
    reads_host: true,
    failure: "A named domain does not exist",
    wrong_usage: "a name that two domains have",
    examples: &[
        ("xenscope status web", "Show what the domain web uses."),
        (
            "xenscope status id:5 uuid:ce022547-404d-45d6-8629-8ea2441dd07f --interval 10",
            "Measure two domains over ten seconds.",
        ),
        (
            "xenscope status web --format json | jq '.domains[].disks[] | [.device, .errors]'",
            "Print the error counters of a domain's disks.",
        ),
    ],
    ..NOTHING
};

const VCPUS: Page = Page {
    description: &[DOMAINS, FORMATS],
    reads_host: true,
    failure: "A named domain does not exist, or vCPUs were not recorded at that time",
    wrong_usage: "a name that two domains have",
    examples: &[
        ("xenscope vcpus", "Show the vCPUs of all domains."),
        (
            "xenscope vcpus web db --interval 0.5",
            "Show the vCPUs of two domains, measured over half a second.",
        ),
    ],
    see_also: &[("xl", "1")],
    ..NOTHING
};

/// What `--ready` does.
const READY: &str = "With --ready, READY % is how long a domain's vCPUs waited for a pCPU, and THR % how long its \
     cap kept them from running. The host's vCPUs are traced for that, see xenscope-waits(8): Xen's trace buffers \
     stay allocated until the host reboots. If another program traces, xenscope reads along or says why it cannot.";

const WAITS: Page = Page {
    description: &[
        DOMAINS,
        "READY % is how long a vCPU was ready to run and waited for a pCPU, and WAITED FOR says which \
         domains had the pCPUs that it may run on meanwhile. BLOCKED % is how long it waited for an \
         event. THR % is how long its cap kept it from running. P99 is a time that 99 of 100 waits \
         do not exceed, at most twice the shortest such time.",
        "Xen's trace buffers belong to the whole host: 128 KiB for each pCPU, which stay allocated until \
         the host reboots. Only one program can empty them. While another one traces, for example \
         xentrace, xenscope reads along if that one traces what vCPUs do (xentrace -e 0x21000); when it \
         ends, so does what xenscope sees. What xenscope switches on, it switches off at the end, also \
         if it is interrupted. After SIGKILL, the next xenscope waits does so.",
        "If records are lost, the figures that they would change are unknown.",
        "--timeline shows the last second of a vCPU, a mark for each millisecond: # for running, w for \
         waiting, . for blocked, x for throttled or paused, ? for unknown.",
        FORMATS,
    ],
    reads_host: true,
    failure: "A named domain does not exist, or nothing was traced",
    wrong_usage: "a name that two domains have",
    files: &[
        (
            "/dev/xen/evtchn",
            "The device for the interrupt that says that a buffer is half full.",
        ),
        (
            "libxenevtchn.so.1, libxenforeignmemory.so.1",
            "The libraries that map the buffers.",
        ),
    ],
    examples: &[
        ("xenscope waits", "Show who waits, over three seconds."),
        (
            "xenscope waits web db --seconds 60",
            "Show for whom two domains wait, over a minute.",
        ),
        (
            "xenscope waits web --timeline web/1",
            "Show also what the second vCPU of web did in the last second.",
        ),
        (
            "xenscope waits --format json | jq '.domains[] | [.name, .ready_percent]'",
            "Print how long each domain's vCPUs waited.",
        ),
    ],
    see_also: &[("xentrace", "8")],
    ..NOTHING
};

const HOST: Page = Page {
    description: &[FORMATS],
    reads_host: true,
    examples: &[
        ("xenscope host", "Show the host."),
        (
            "xenscope host --format json | jq .host.memory_free_bytes",
            "Print how much memory is free.",
        ),
    ],
    see_also: &[("xl", "1")],
    ..NOTHING
};

const FILTER: &str = "A filter is part of a name; the start of an ID or UUID; idle, running, paused, shutdown, \
    crashed or dying; or a figure compared with a value, as in cpu>50, memory<1.5G, state:blocked, pool!=0. Figures \
    have the names of columns or of 'xenscope fields', in a pane those of its own columns first. '!' is not, a blank or \
    '&' is and, '|' or a comma is or; parentheses group, and quotes hold a name with blanks. What is unknown matches no \
    comparison, and not its opposite.";

const TOP: Page = Page {
    description: &[
        "With -b, the layout is that of 'xentop -b', column for column; of a recording it is the table, \
         which has times. xentop's layout differs where xentop is wrong: the first block is measured; with more than 256 domains no domain is shown twice \
         or left out; a domain without a name is shown; NICs are shown even if dom0 has no bridge; \
         VCPUS counts the online vCPUs; an unknown value is '-'. NETTX and NETRX are what dom0 sent \
         and received, as in xentop. A device that another domain serves is not in this layout.",
        DRIVER_DOMAINS,
        "Under the name xentop, an option may be given twice and a long one may be shortened, as in \
         xentop.",
        FILTER,
        READY,
        FAILED_SAMPLES,
    ],
    reads_host: true,
    failure: "Nothing was recorded in that time, or one of the named domains was not there then",
    wrong_usage: "a live view without a terminal, a text that is no filter",
    environment: &[
        ("XDG_CONFIG_HOME, HOME", "Where config.toml is, see FILES."),
        ("NO_COLOR", "If set and not empty, there are no colours."),
        (
            "TERM, COLORTERM",
            "What the terminal can do. A value of TERM that begins with vt means no colours.",
        ),
        (
            "LC_ALL, LC_CTYPE, LANG",
            "The first one that is set decides whether the terminal shows UTF-8.",
        ),
        (
            "LINES, COLUMNS",
            "The size of a window that does not know its size, as a serial console. Otherwise it \
             is 80x24.",
        ),
    ],
    files: &[(
        "$XDG_CONFIG_HOME/xenscope/config.toml, ~/.config/xenscope/config.toml",
        "Columns, order, interval and theme, written by W.",
    )],
    examples: &[
        (
            "xenscope top --filter '!idle & (name:web | memory>8G)'",
            "Watch domains that are busy, and are called web or have more than 8 GiB.",
        ),
        (
            "xenscope top -b --ready --format table -i 2",
            "Show how long vCPUs wait, between two samples.",
        ),
        (
            "xenscope top -d 1 -z",
            "Watch all domains with a sample each second, dom0 first.",
        ),
        (
            "xenscope top --at 03:00",
            "Show what was recorded at three, and step through it with [ and ].",
        ),
        (
            "xenscope top -b -i 5 -d 2 -n",
            "Print five blocks in xentop's layout, two seconds apart, with NICs.",
        ),
        (
            "xenscope top -b -i 1 --format table -v",
            "Print one table of the domains and one of their vCPUs.",
        ),
        (
            "xenscope top -b -d 10 --format csv > usage.csv",
            "Write a row for each domain every ten seconds.",
        ),
        (
            "ln -s \"$(command -v xenscope)\" /usr/local/sbin/xentop",
            "Let xenscope take xentop's place.",
        ),
    ],
    see_also: &[("xentop", "1")],
};

const AUDIT: Page = Page {
    description: &[
        "A finding is failed (a figure is wrong), warning (it may pass: it was seen in one sample \
         only, a domain may be under construction or being destroyed, or a guest has not followed a \
         request yet), ok, or skipped (nothing could be compared). What a toolstack may cause while \
         it builds or destroys a domain fails once it has lasted for 30 seconds. A longer interval, \
         and more samples, find smaller leaks of CPU time.",
        "With --ready, the host's vCPUs are also traced, see xenscope-waits(8), and the time that they ran is \
         compared with their CPU time.",
        "With --from, --since or --until, all recorded samples are audited. Findings that are alike are shown once: \
         from when to when, in how many audits, and what the last one said. The end says how many audits failed, and \
         what was skipped and why.",
    ],
    reads_host: true,
    failure: "A check failed, or no two samples of one boot were recorded in that time",
    examples: &[
        ("xenscope audit", "Audit once, over one second."),
        (
            "xenscope audit --since yesterday",
            "Show what failed since yesterday, and when.",
        ),
        (
            "xenscope audit --interval 60 --samples 60 --format json > audit.json",
            "Audit each minute for an hour.",
        ),
        (
            "xenscope audit --all",
            "Show each check, with what it compared and how exact that is.",
        ),
    ],
    ..NOTHING
};

const COMPARE: Page = Page {
    description: &[
        "xentop differs if dom0 has no bridge, because it sees no NIC then. It also differs with \
         more than 256 domains and a gap in their IDs, because it shows some of them twice.",
    ],
    reads_host: true,
    failure: "A figure differs, a domain is missing, invented or repeated, or a tool could not be run",
    environment: &[("PATH", "Where xentop and xl are looked for.")],
    examples: &[
        ("xenscope compare", "Compare with xentop, then with xl."),
        (
            "xenscope compare --with xl --samples 10 --format json",
            "Compare with xl ten times, one JSON object per run.",
        ),
    ],
    see_also: &[("xl", "1"), ("xentop", "1")],
    ..NOTHING
};

const EVENTS: Page = Page {
    description: &[
        DOMAINS,
        "What comes and goes between two samples is not seen. A domain that shut down to reboot is \
         held back for at most ten seconds, and is printed as rebooted if it exists again by then. \
         If XenStore does not answer, xenscope prints so and keeps the names that it knows. SIGTERM, \
         SIGINT, SIGQUIT and SIGHUP end it once it has written all events, or after two seconds.",
        "SIGTSTP (Ctrl-Z) closes the connection to XenStore before xenscope stops, and xenscope \
         connects again when it continues. SIGSTOP does not: the daemon stores events for a program \
         that was stopped this way.",
        FAILED_SAMPLES,
    ],
    reads_host: true,
    failure: "Nothing was recorded in that time, or one of the named domains was not there then",
    examples: &[
        ("xenscope events", "Print what happens to all domains."),
        (
            "xenscope events --since-start web db",
            "First print whether web and db exist, then what happens to them.",
        ),
        (
            "xenscope events --format json | jq -c 'select(.event == \"crashed\")'",
            "Print only crashes.",
        ),
    ],
    ..NOTHING
};

const EXPORT: Page = Page {
    description: &[
        "There are two processes. The sampler runs as root, is not on the network, and reads nothing \
         that a client sends. The server runs as --user, without capabilities, with no_new_privs and a \
         seccomp filter, and with Landlock if the kernel has it; it has neither privcmd nor XenStore. \
         It has to be able to read the file of --web.config.file, and those that are named there; with that \
         option, a third process of that user, not on the network, reads them again every 10 seconds. If \
         one of the two fails, both end; if no sample can be taken, xen_up is 0 and there are no other \
         figures.",
        "A sample is taken when somebody asks for the metrics, at most one every --min-interval. /healthz \
         answers as long as both processes run, without a sample.",
        "The file of --web.config.file is that of Prometheus' exporter-toolkit, with the keys \
         tls_server_config (cert_file, key_file, client_auth_type, client_ca_file, min_version) and \
         basic_auth_users. Another key is an error. If it is wrong when it has changed, the settings \
         from before stay.",
        "With --audit, each sample is audited against the one before, so the first one has no verdicts.",
        "With --collector.ready, Xen's trace buffers are on from the first sample until the command ends, and are read \
         meanwhile. Times count from then on, so --textfile needs --interval.",
        "With --textfile FILE, there is no server. FILE.new is written and renamed. If there is no \
         sample, FILE says so instead of keeping old figures.",
        FAILED_SAMPLES,
    ],
    reads_host: true,
    failure: "The server cannot listen, or the sampler has ended or hangs",
    wrong_usage: "there is no such user, or a configuration file is wrong",
    environment: &[(
        "LISTEN_FDS, LISTEN_PID",
        "Sockets that systemd passes, for --web.systemd-socket.",
    )],
    examples: &[
        ("xenscope export", "Serve http://127.0.0.1:14170/metrics."),
        (
            "xenscope export --web.listen-address :14170 --web.config.file /etc/xenscope/web.yml",
            "Serve on all addresses of dom0, with TLS and passwords.",
        ),
        (
            "xenscope export --textfile /var/lib/prometheus/node-exporter/xen.prom --interval 15",
            "Write a file for node_exporter every 15 seconds.",
        ),
        (
            "xenscope export --textfile - | promtool check metrics",
            "Check the metrics with Prometheus' own tool.",
        ),
    ],
    see_also: &[("prometheus", "1"), ("prometheus-node-exporter", "1")],
    ..NOTHING
};

const REPORT: Page = Page {
    description: &[
        "Without --since, the report is of the hour up to the last sample, or up to the last one before --until. It says \
         when nothing was recorded for more than a minute. It has up to 480 points of time; figures are means over them, \
         from counters, so that no use is missed. Domains with most of a figure have a band of their own, and all others \
         are one band. Time that is unknown is a gap. Samples whose clock was wrong are left out; the page and a message \
         say how many. A report of some domains has the pCPUs and the audit of the whole host.",
        "A domain suffers, as those that hurt on the pressure page of the live view, when it waits for a pCPU, is \
         throttled by its cap, has less memory than its target, finds no free disk slot, has a slow disk, or drops \
         packets. Each kind of reason is shown with how long it lasted, its mean over that time, and its worst moment. For \
         whom a domain waited is a sum over all of that time.",
        "The page has no scripts and loads nothing. Names of domains are in it.",
    ],
    failure: "nothing was recorded in that time, no two samples of one boot were, one of the domains was not there then, or \
              FILE cannot be written",
    examples: &[
        (
            "xenscope report --since 02:30 --until 04:00 -o night.html",
            "Show what the night was like.",
        ),
        (
            "xenscope report db1 --since yesterday",
            "Show db1 alone, since yesterday's midnight.",
        ),
    ],
    ..NOTHING
};

const DOCTOR: Page = Page {
    description: &[
        "STATE is ok; limited if some commands do less than they could; blocked if no command can watch this host; \
         or - if it could not be found out. What to do is below the table.",
        "Without root, some of it cannot be found out.",
    ],
    failure: "Something is blocked",
    examples: &[
        (
            "xenscope doctor",
            "Show what there is, and what is missing.",
        ),
        (
            "xenscope doctor --format json",
            "Print it as a JSON object, for example for a report of a bug.",
        ),
    ],
    ..NOTHING
};

const RECORD: Page = Page {
    description: &[
        "Samples are raw counters and states. They are written every ten seconds: what a loss of power costs at most. \
         SIGTERM, SIGINT, SIGQUIT and SIGHUP end it once it has written all samples, or after two seconds.",
        "DIR is created with mode 0700 if it does not exist, and the recording with mode 0600. A second recorder of \
         the same DIR is refused. If a chunk cannot be written, for example because the disk fails, that is said \
         once, its samples are lost, and the next chunk is tried.",
        "Ten seconds are deleted at a time. If the disk is too small for --max-size, the oldest samples are deleted \
         when it is full, which is said once.",
        "With --export, xenscope copies what was recorded, and records nothing. It replaces FILE, unless \
         that is the recording itself or belongs to a recorder. With --anonymise, the copy has numbers in place of \
         names, UUIDs and MAC addresses, always the same ones, and neither Xen's command line nor the texts of errors; \
         figures, domain IDs and times stay.",
        FAILED_SAMPLES,
    ],
    reads_host: true,
    failure: "DIR cannot be written, or another xenscope records there",
    files: &[
        (
            "/var/lib/xenscope/recording.sqlite",
            "The recording, with its log of changes beside it while it is written.",
        ),
        (
            "/var/lib/xenscope/recording.sqlite.damaged-TIME",
            "A recording that was damaged, which is read as far as possible, and counts towards --max-size.",
        ),
    ],
    examples: &[
        (
            "xenscope record --keep 30d --max-size 10G",
            "Record until a signal arrives; keep at most 30 days and 10 GiB.",
        ),
        (
            "xenscope status db1 --at 03:00",
            "Show what db1 used at three in the morning.",
        ),
        (
            "xenscope record --export night.sqlite --since 02:00 --until 04:00 --anonymise",
            "Copy two hours without the names, to attach them to a bug report.",
        ),
        (
            "xenscope top -b --since -1h -d 60 --format csv",
            "Print the last hour as CSV, a sample each minute.",
        ),
        (
            "xenscope events --since yesterday",
            "Print what has happened since yesterday.",
        ),
    ],
    ..NOTHING
};

const MAN: Page = Page {
    description: &[
        "The pages are in section 8. Files are written with mode 0644, and replace those of the \
         same name.",
    ],
    examples: &[
        ("xenscope man status | man -l -", "Read xenscope-status(8)."),
        (
            "xenscope man --dir /usr/local/share/man/man8",
            "Install all pages.",
        ),
    ],
    see_also: &[("man", "1")],
    ..NOTHING
};

const FIELDS: Page = Page {
    examples: &[
        (
            "xenscope fields",
            "Show the names, kinds and units of all fields.",
        ),
        (
            "xenscope fields --format markdown",
            "Print them as tables for a document.",
        ),
    ],
    ..NOTHING
};

const COMPLETIONS: Page = Page {
    examples: &[
        (
            "xenscope completions bash > /usr/share/bash-completion/completions/xenscope",
            "Install the completions for bash.",
        ),
        (
            "xenscope completions fish > ~/.config/fish/completions/xenscope.fish",
            "Install them for fish, for one user.",
        ),
    ],
    ..NOTHING
};
