//! Whole texts, held against those in `golden`.

use super::{DisplayOptions, Sample, host, list, status, top, vcpus};
use crate::fixtures::equipped;
use crate::rates::Rates;

/// What a view makes of the equipped host: as wide as it likes, for 80 columns, and for 40.
fn texts(view: impl Fn(Sample<'_>, Option<usize>) -> String) -> String {
    let (old, new) = equipped();
    let sample = Sample {
        snapshot: &new,
        rates: &Rates::between(Some(&old), &new),
    };
    let texts = [None, Some(80), Some(40)].map(|width| view(sample, width));
    texts.join("\n----\n\n")
}

#[test]
fn the_text_of_list() {
    assert_eq!(texts(list::table), include_str!("golden/list.txt"));
}

#[test]
fn the_text_of_status() {
    assert_eq!(texts(status::sections), include_str!("golden/status.txt"));
}

#[test]
fn the_text_of_vcpus() {
    assert_eq!(texts(vcpus::lines), include_str!("golden/vcpus.txt"));
}

#[test]
fn the_text_of_host() {
    assert_eq!(texts(host::sections), include_str!("golden/host.txt"));
}

#[test]
fn the_text_of_top() {
    let shown = DisplayOptions {
        pcpus: true,
        ..DisplayOptions::PARTS
    };
    let text = texts(|sample, width| top::table(sample, shown, width));
    assert_eq!(text, include_str!("golden/top.txt"));
}
