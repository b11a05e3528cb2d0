//! Bars and histories made of characters.

/// A bar of `width` columns, full at 1; a share above that fills it.
pub(super) fn bar(share: f64, width: usize, unicode: bool) -> String {
    let share = share.clamp(0.0, 1.0);
    if !unicode {
        let full = (share * width as f64).round() as usize;
        return "|".repeat(full);
    }
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * width as f64 * 8.0).round() as usize;
    // Something is told from nothing.
    let eighths = eighths.max(usize::from(share > 0.0)).min(width * 8);
    let mut bar = "█".repeat(eighths / 8);
    bar.push_str(PARTS[eighths % 8]);
    bar
}

/// One column for each value, as high as its share of `full`; a `?` for one that is not known.
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

/// As [`history`], in more than one line; the highest comes first.
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
        // Only the lowest line shows that there is nothing, or nothing known.
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
    fn bars_grow_by_eighths_of_a_column() {
        assert_eq!(bar(0.0, 4, true), "");
        assert_eq!(bar(0.001, 4, true), "▏");
        assert_eq!(bar(0.5, 4, true), "██");
        assert_eq!(bar(0.6, 4, true), "██▍");
        assert_eq!(bar(7.0, 4, true), "████");
        assert_eq!(bar(0.5, 4, false), "||");
    }

    #[test]
    fn a_history_is_a_line_of_heights() {
        let values = [Some(0.0), Some(50.0), None, Some(100.0)];
        assert_eq!(history(values.into_iter(), 100.0, true), "▁▅?█");
        assert_eq!(history(values.into_iter(), 100.0, false), "_-?#");
    }

    #[test]
    fn a_chart_is_a_history_in_more_lines() {
        let values = [Some(0.0), Some(50.0), None, Some(100.0)];
        assert_eq!(chart(values.into_iter(), 100.0, 2, true), ["   █", "▁█?█"]);
    }

    proptest! {
        #[test]
        fn a_bar_fits(share in any::<f64>(), width in 0_usize..50, unicode: bool) {
            prop_assert!(columns(&bar(share, width, unicode)) <= width);
        }
    }
}
