//! Median, mean and standard deviation.

/// Returns the median; `None` without values.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    match sorted.len() % 2 {
        0 => Some(f64::midpoint(sorted[sorted.len() / 2 - 1], upper)),
        _ => Some(upper),
    }
}

/// Returns the mean; `None` without values.
pub(crate) fn mean(figures: &[f64]) -> Option<f64> {
    (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
}

/// Returns the standard deviation of a sample; `None` for fewer than two values.
pub(crate) fn deviation(figures: &[f64]) -> Option<f64> {
    let mean = mean(figures)?;
    let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
    (figures.len() > 1).then(|| (squares / (figures.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median([]), None);
        assert_eq!(median([7.0]), Some(7.0));
        assert_eq!(median([90.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([90.0, 1.0, 2.0, 4.0]), Some(3.0));
    }

    #[test]
    fn a_deviation_needs_two_values() {
        assert_eq!(deviation(&[]), None);
        assert_eq!(deviation(&[5.0]), None);
        assert_eq!(deviation(&[98.0, 102.0]), Some(8.0_f64.sqrt()));
        assert_eq!(mean(&[98.0, 102.0]), Some(100.0));
    }
}
