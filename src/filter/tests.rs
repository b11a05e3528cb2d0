//! Tests of filters.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{Compared, Filter};
use crate::fields::{Thing, sums};
use crate::fixtures::{SECOND, domain, snapshot};
use crate::rates::Rates;
use crate::sample::{DomainSample, Sample};
use crate::snapshot::{DomainType, ShutdownReason, Snapshot};

/// Returns the figure with this short name.
fn short(name: &str) -> Option<Compared> {
    let name = match name {
        "cpu" => "cpu_percent",
        "memory" => "memory_bytes",
        "ready" => "ready_percent",
        _ => return None,
    };
    DomainSample::fields()
        .iter()
        .find(|field| field.name == name)
        .map(Compared::Domain)
}

fn parse(text: &str) -> Filter {
    Filter::parse(text, &short).unwrap()
}

/// Returns six domains: dom0; a busy and an idle guest; a paused one; a crashed HVM guest; and a new
/// one without a name, of which no rate is known.
fn host() -> (Snapshot, Snapshot) {
    let at = |second: u64| {
        let at = second * SECOND;
        let mut domains = vec![
            domain(0, "Domain-0", at, at / 10),
            domain(5, "web-1", at, at),
            domain(12, "db (old)", at, 0),
            domain(13, "Web-2", at, 0),
            domain(14, "idle", at, 0),
        ];
        domains[1].memory_bytes = 4 << 30;
        domains[3].states.paused = true;
        domains[4].states.shutdown = Some(ShutdownReason::Crash);
        domains[4].kind = DomainType::Hvm;
        if second == 2 {
            let mut new = domain(51, "", at, 0);
            new.name = None;
            new.pool = 1;
            domains.push(new);
        }
        snapshot(at, 0, domains)
    };
    (at(1), at(2))
}

/// Returns the IDs of the domains that match.
fn ids_of(filter: &Filter) -> Vec<u16> {
    let (old, new) = host();
    let rates = &Rates::between(Some(&old), &new);
    let sample = Sample {
        snapshot: &new,
        rates,
    };
    let matching = sample.domains().filter(|one| filter.matches(*one, None));
    matching.map(|one| one.domain.id.0).collect()
}

fn ids(text: &str) -> Vec<u16> {
    ids_of(&parse(text))
}

#[test]
fn words_find_names_ids_and_states() {
    for (text, found) in [
        ("", vec![0, 5, 12, 13, 14, 51]),
        ("  ", vec![0, 5, 12, 13, 14, 51]),
        ("WEB", vec![5, 13]),
        ("5", vec![5, 51]),
        ("web,db", vec![5, 12, 13]),
        ("web | \"db (\"", vec![5, 12, 13]),
        ("web-1", vec![5]),
        ("00000000-0000", vec![0, 5, 12, 13, 14, 51]),
        ("paused", vec![13]),
        ("crashed", vec![14]),
        ("running", vec![0, 5]),
        ("idle", vec![12]),
        ("\"idle\"", vec![14]),
        ("!idle", vec![0, 5, 13, 14]),
        ("nowhere", vec![]),
    ] {
        assert_eq!(ids(text), found, "{text}");
    }
}

#[test]
fn figures_are_compared() {
    for (text, found) in [
        ("name:web", vec![5, 13]),
        ("name=web-1", vec![5]),
        ("name!=web-1", vec![0, 12, 13, 14]),
        ("id=5", vec![5]),
        ("id:5", vec![5]),
        ("type:hvm", vec![14]),
        ("pool:1", vec![51]),
        ("state:paused", vec![13]),
        ("STATE=Paused", vec![13]),
        ("cpu>50", vec![5]),
        ("cpu > 50%", vec![5]),
        ("cpu>=10&cpu<=10", vec![0]),
        ("memory<1G", vec![0, 12, 13, 14, 51]),
        ("memory_bytes>=4G", vec![5]),
        ("memory_max_bytes=none", vec![]),
        ("shutdown_reason:crash", vec![14]),
        ("shutdown_reason:77", vec![]),
    ] {
        assert_eq!(ids(text), found, "{text}");
    }
}

#[test]
fn and_or_not() {
    for (text, found) in [
        ("web running", vec![5]),
        ("web & running", vec![5]),
        ("web && !running", vec![13]),
        ("web running | db", vec![5, 12]),
        ("web (running | db)", vec![5]),
        ("!(web | db)", vec![0, 14]),
        ("!!web", vec![5, 13]),
        ("!web !db !crashed", vec![0]),
    ] {
        assert_eq!(ids(text), found, "{text}");
    }
}

#[test]
fn unknown_matches_nothing() {
    // The new domain has no rate and no name.
    for text in [
        "cpu>0",
        "!cpu>0",
        "!(cpu>0)",
        "ready>=0",
        "!ready>=0",
        "!name:web",
    ] {
        assert!(!ids(text).contains(&51), "{text}");
    }
    // Unless the rest decides.
    assert!(ids("cpu>0 | pool:1").contains(&51));
    assert!(ids("!(cpu>0 pool:0)").contains(&51));
}

#[test]
fn errors_say_where() {
    for (text, column, part) in [
        ("web |", 6, "is missing"),
        ("(web", 1, "not closed"),
        ("web)", 4, "closes nothing"),
        ("!", 2, "is missing"),
        ("\"web", 1, "not closed"),
        ("cpu>", 5, "compared with"),
        (">5", 1, "missing"),
        ("web foo>5", 5, "no figure 'foo'"),
        ("cpu>fast", 5, "'fast' is no number of per cent"),
        ("memory>5X", 8, "such as 1.5G"),
        ("name>5", 6, "is a text"),
        ("state:fine", 7, "one of running"),
        ("state:3", 7, "one of running"),
        ("extra_time=1", 12, "one of yes, no"),
        // It has a word, and Xen has no number above 255.
        ("shutdown_reason=3", 17, "one of poweroff"),
        ("shutdown_reason=256", 17, "one of poweroff"),
        ("a\u{1b}[2J>1", 1, "a\\u{1b}[2J"),
    ] {
        let error = Filter::parse(text, &short).unwrap_err();
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
    let deep = "(".repeat(100_000);
    assert!(Filter::parse(&deep, &short).is_err());
    assert!(Filter::parse(&"!".repeat(100_000), &short).is_err());
}

#[test]
fn it_needs_its_figures() {
    let disks = parse("web disks_read_bytes_per_second>1M").part();
    assert!(disks.disks && disks.names && !disks.targets);
    assert!(parse("!memory_target_bytes<1G | x").part().targets);
}

/// Returns texts of filters.
fn filters() -> impl Strategy<Value = String> {
    let figures: Vec<&str> = DomainSample::fields()
        .iter()
        .chain(sums())
        .filter(|field| field.unit != crate::fields::Unit::None)
        .map(|field| field.name)
        .collect();
    let compared = (
        prop::sample::select(figures),
        prop::sample::select(vec![">", "<", ">=", "<=", "=", "!=", ":"]),
        prop_oneof![
            any::<i32>().prop_map(|number| number.to_string()),
            (0.0..1e12).prop_map(|number: f64| number.to_string()),
        ],
    );
    let term = prop_oneof![
        "[a-z0-9 \"()|&!:<>=,.-]{0,6}"
            .prop_map(|text| format!("\"{}\"", text.replace('"', "\"\""))),
        "[a-zA-Z0-9_.-]{1,6}",
        any::<String>().prop_map(|text| format!("\"{}\"", text.replace('"', "\"\""))),
        prop::sample::select(vec!["idle", "running", "paused", "crashed"]).prop_map(str::to_owned),
        prop::sample::select(vec![
            "state:paused",
            "type=pvh",
            "name:web",
            "name!=\"a b\""
        ])
        .prop_map(str::to_owned),
        compared.prop_map(|(figure, sign, number)| format!("{figure}{sign}{number}")),
    ];
    term.prop_recursive(4, 24, 3, |inner| {
        let parts = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.prop_map(|one| format!("!({one})")),
            (parts.clone(), prop::sample::select(vec![" ", "&", " && "]))
                .prop_map(|(parts, by)| format!("({})", parts.join(by))),
            (parts, prop::sample::select(vec!["|", ", ", " || "]))
                .prop_map(|(parts, by)| format!("({})", parts.join(by))),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_a_filter_or_an_error(text in any::<String>(), signs in "[ !&|,()\":<>=a-c0-9]{0,20}") {
        for text in [text, signs] {
            if let Err(error) = Filter::parse(&text, &short) {
                prop_assert!(error.column <= text.chars().count() + 1);
            }
        }
    }

    #[test]
    fn a_printed_filter_is_the_same(text in filters()) {
        let filter = parse(&text);
        let printed = filter.to_string();
        prop_assert_eq!(&parse(&printed), &filter, "{}", printed);
    }

    #[test]
    fn de_morgan(one in filters(), other in filters()) {
        prop_assert_eq!(ids(&format!("!({one} {other})")), ids(&format!("!{one} | !{other}")));
        prop_assert_eq!(ids(&format!("!({one} | {other})")), ids(&format!("!{one} !{other}")));
        prop_assert_eq!(ids(&format!("!!({one})")), ids(&one));
        // What matches does not match its opposite.
        let opposite = ids(&format!("!({one})"));
        prop_assert!(ids(&one).iter().all(|id| !opposite.contains(id)));
    }
}
