use crate::text::{columns, cut, is_unsafe, safe, shortened};

/// Text from outside on its way to a terminal.
pub fn display(bytes: &[u8]) {
    // The first byte is how much room there is.
    let (width, bytes) = bytes.split_first().unwrap_or((&0, bytes));
    let text = String::from_utf8_lossy(bytes);
    let shown = safe(&text);
    assert!(!shown.contains(is_unsafe), "{shown:?}");
    assert_eq!(safe(&shown), shown);
    assert_eq!(as_it_was(&shown, &text), Some(""), "{shown:?}");
    fits(&shown, usize::from(*width));
}

/// What is left of the text when all that is shown is taken from its beginning; `None` when
/// something else is shown.
fn as_it_was<'t>(shown: &str, text: &'t str) -> Option<&'t str> {
    let mut left = text;
    let mut shown = shown;
    while let Some(next) = left.chars().next() {
        let form = match is_unsafe(next) {
            true => format!("\\u{{{:x}}}", u32::from(next)),
            false => next.to_string(),
        };
        shown = shown.strip_prefix(&*form)?;
        left = &left[next.len_utf8()..];
    }
    shown.is_empty().then_some(left)
}

/// Text that is made shorter is as long as there is room for, and not longer.
fn fits(text: &str, width: usize) {
    let begun = cut(text, width);
    assert!(text.starts_with(begun));
    assert!(columns(begun) <= width, "{begun:?} in {width}");
    if text.is_ascii() {
        assert_eq!(begun.len(), width.min(text.len()));
    }
    let short = shortened(text, width);
    assert!(columns(&short) <= width, "{short:?} in {width}");
    if short != text {
        assert!(columns(text) > width, "{text:?} in {width}");
        assert!(width == 0 || short.ends_with('…'), "{short:?}");
    }
}
