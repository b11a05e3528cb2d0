//! Bars and histories made of characters.

/// Returns a bar of at most `width` columns. A `share` of 1 or more fills it.
pub(super) fn bar(share: f64, width: usize, unicode: bool) -> String {
    let share = share.clamp(0.0, 1.0);
    if !unicode {
        let full = (share * width as f64).round() as usize;
        return "|".repeat(full);
    }
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * width as f64 * 8.0).round() as usize;
    // A share above 0 is always visible.
    let eighths = eighths.max(usize::from(share > 0.0)).min(width * 8);
    let mut bar = "█".repeat(eighths / 8);
    bar.push_str(PARTS[eighths % 8]);
    bar
}

/// Returns a bar of time that was lost, to put after a [`bar`] of time that was used.
pub(super) fn lost_bar(share: f64, width: usize, unicode: bool) -> String {
    let cells = (share.clamp(0.0, 1.0) * width as f64).round() as usize;
    (if unicode { "▒" } else { "-" }).repeat(cells)
}

/// Returns the mark of a figure that is zero.
pub(super) fn nothing(unicode: bool) -> &'static str {
    if unicode { "·" } else { "." }
}

/// Returns one glyph for each value, as high as its share of `full`; `?` for an unknown value.
pub(super) fn history(
    values: impl Iterator<Item = Option<f32>>,
    full: f32,
    unicode: bool,
) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 8] = ['_', '.', ',', ':', '-', '=', '+', '#'];
    let levels = if unicode { LEVELS } else { ASCII };
    values
        .map(|value| match value {
            Some(value) => {
                let share = (value / full.max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
                levels[(share * 7.0).round() as usize]
            }
            None => '?',
        })
        .collect()
}

/// Returns a [`history`] of `height` lines, the top line first.
pub(super) fn chart(
    values: impl Iterator<Item = Option<f32>> + Clone,
    full: f32,
    height: usize,
    unicode: bool,
) -> Vec<String> {
    let step = full / height as f32;
    let rows = (0..height).rev();
    rows.map(|row| {
        let floor = row as f32 * step;
        let part = values.clone().map(|value| value.map(|value| value - floor));
        let line = history(part, step, unicode);
        // Only the bottom line marks values that are zero or unknown.
        match row {
            0 => line,
            _ => line.replace(['▁', '_', '?'], " "),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::columns;
    use proptest::prelude::*;

    #[test]
    fn bar_has_steps_of_an_eighth() {
        assert_eq!(bar(0.0, 4, true), "");
        assert_eq!(bar(0.001, 4, true), "▏");
        assert_eq!(bar(0.5, 4, true), "██");
        assert_eq!(bar(0.6, 4, true), "██▍");
        assert_eq!(bar(7.0, 4, true), "████");
        assert_eq!(bar(0.5, 4, false), "||");
    }

    #[test]
    fn history_has_one_glyph_per_value() {
        let values = [Some(0.0), Some(50.0), None, Some(100.0)];
        assert_eq!(history(values.into_iter(), 100.0, true), "▁▅?█");
        assert_eq!(history(values.into_iter(), 100.0, false), "_-?#");
    }

    #[test]
    fn chart_has_the_top_line_first() {
        let values = [Some(0.0), Some(50.0), None, Some(100.0)];
        assert_eq!(chart(values.into_iter(), 100.0, 2, true), ["   █", "▁█?█"]);
    }

    proptest! {
        #[test]
        fn bar_fits(share in any::<f64>(), width in 0_usize..50, unicode: bool) {
            prop_assert!(columns(&bar(share, width, unicode)) <= width);
        }
    }
}
