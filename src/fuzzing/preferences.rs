use super::assert_harmless;
use crate::interval;
use crate::view::tui::Settings;

/// The file of preferences.
pub fn preferences(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let settings = match Settings::from_toml(text) {
        Ok(settings) => settings,
        Err(error) => return assert_harmless(&error),
    };
    assert!((interval::SHORTEST..=interval::LONGEST).contains(&settings.interval));
    assert!(!settings.columns.is_empty());
    let mut seen = Vec::new();
    for column in &settings.columns {
        assert!(!seen.contains(column), "{column:?} twice");
        seen.push(*column);
    }
    let written = settings.to_toml();
    let again = written.and_then(|text| Settings::from_toml(&text));
    assert_eq!(again, Ok(settings));
}
