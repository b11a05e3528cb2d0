//! A check in progress.

use super::faults::{Fault, Found};
use super::finding::{Figures, Finding, Relation, Unit, Verdict};
use crate::snapshot::DomId;

/// The comparisons of one check.
pub(super) struct Check {
    name: &'static str,
    compared: &'static str,
    tolerance_from: &'static str,
    comparisons: usize,
    closest: Option<(f64, Finding)>,
    broken: Vec<Found>,
    remarks: Vec<String>,
}

impl Check {
    /// Starts a check without tolerance, of states that do not depend on when they are read.
    pub(super) fn exact(name: &'static str, compared: &'static str) -> Self {
        Self::new(name, compared, "none: states either agree or differ")
    }

    pub(super) fn new(
        name: &'static str,
        compared: &'static str,
        tolerance_from: &'static str,
    ) -> Self {
        Self {
            name,
            compared,
            tolerance_from,
            comparisons: 0,
            closest: None,
            broken: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Compares numbers; `fault` says what is wrong if they do not fit.
    pub(super) fn numbers(
        &mut self,
        domain: Option<DomId>,
        numbers: Numbers,
        fault: impl FnOnce() -> Fault,
    ) {
        let off = numbers.off();
        self.add(domain, numbers.figures(), off, fault);
    }

    /// Counts a comparison of texts that agree.
    pub(super) fn agrees(&mut self) {
        self.comparisons += 1;
    }

    /// Counts a comparison of texts that differ.
    pub(super) fn differs(
        &mut self,
        domain: Option<DomId>,
        (expected, observed): (impl Into<String>, impl Into<String>),
        fault: Fault,
    ) {
        let figures = Figures::Words {
            expected: expected.into(),
            observed: observed.into(),
        };
        self.add(domain, figures, f64::INFINITY, || fault);
    }

    /// Adds a remark, which is shown even if all is well.
    pub(super) fn remark(&mut self, remark: String) {
        self.remarks.push(remark);
    }

    /// Returns the findings. If nothing was compared, `reason` or the remarks say why.
    pub(super) fn finish(mut self, reason: &str) -> Vec<Found> {
        let remark = (!self.remarks.is_empty()).then(|| self.remarks.join("; "));
        if self.broken.is_empty() {
            let count = i64::try_from(self.comparisons).unwrap_or(i64::MAX);
            let finding = match self.closest {
                Some((_, ref closest)) => closest.clone(),
                None if self.comparisons > 0 => {
                    let all = Numbers::equal(Unit::Count, count, count, 0);
                    self.finding(Verdict::Ok, None, Some(all.figures()), None)
                }
                None => self.finding(Verdict::Skipped, None, None, Some(reason.to_owned())),
            };
            self.broken.push(Found::fine(Finding {
                reason: remark.or(finding.reason.clone()),
                ..finding
            }));
        }
        for found in &mut self.broken {
            found.finding.comparisons = self.comparisons;
        }
        self.broken
    }

    fn add(
        &mut self,
        domain: Option<DomId>,
        figures: Figures,
        off: f64,
        fault: impl FnOnce() -> Fault,
    ) {
        self.comparisons += 1;
        if off > 1.0 {
            let finding = self.finding(Verdict::Failed, domain, Some(figures), None);
            self.broken.push(fault().found(finding));
        } else if self.closest.as_ref().is_none_or(|(most, _)| off > *most) {
            let finding = self.finding(Verdict::Ok, domain, Some(figures), None);
            self.closest = Some((off, finding));
        }
    }

    fn finding(
        &self,
        verdict: Verdict,
        domain: Option<DomId>,
        figures: Option<Figures>,
        reason: Option<String>,
    ) -> Finding {
        Finding {
            check: self.name,
            verdict,
            compared: self.compared,
            comparisons: self.comparisons,
            domain,
            tolerance_from: figures.as_ref().map(|_| self.tolerance_from),
            figures,
            reason,
        }
    }
}

/// Numbers to compare.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    unit: Unit,
    relation: Relation,
    expected: i64,
    observed: i64,
    tolerance: i64,
}

impl Numbers {
    pub(super) fn equal(unit: Unit, expected: i64, observed: i64, tolerance: i64) -> Self {
        Self {
            unit,
            relation: Relation::Equal,
            expected,
            observed,
            tolerance,
        }
    }

    pub(super) fn at_most(unit: Unit, expected: i64, observed: i64, tolerance: i64) -> Self {
        Self {
            relation: Relation::AtMost,
            ..Self::equal(unit, expected, observed, tolerance)
        }
    }

    pub(super) fn at_least(unit: Unit, expected: i64, observed: i64, tolerance: i64) -> Self {
        Self {
            relation: Relation::AtLeast,
            ..Self::equal(unit, expected, observed, tolerance)
        }
    }

    /// Returns by how much the observed number is off, without the tolerance; above 0 if the
    /// relation does not hold exactly.
    pub(super) fn excess(self) -> i64 {
        let above = self.observed.saturating_sub(self.expected);
        match self.relation {
            Relation::Equal => above.saturating_abs(),
            Relation::AtMost => above,
            Relation::AtLeast => above.saturating_neg(),
        }
    }

    /// Returns the expected number minus the observed one.
    pub(super) fn missing(self) -> i64 {
        self.expected.saturating_sub(self.observed)
    }

    /// Returns whether the observed number is too small, by no more than `most` and the tolerance.
    pub(super) fn is_short_by_at_most(self, most: i64) -> bool {
        (1..=most.saturating_add(self.tolerance)).contains(&self.missing())
    }

    pub(super) fn expected(self) -> i64 {
        self.expected
    }

    pub(super) fn tolerance(self) -> i64 {
        self.tolerance
    }

    /// Returns whether the numbers are off by more than the tolerance.
    pub(super) fn is_off(self) -> bool {
        self.off() > 1.0
    }

    /// Returns how far off the observed number is, in tolerances.
    fn off(self) -> f64 {
        match (self.excess(), self.tolerance) {
            (0, 0) => 0.0,
            (1.., ..=0) => f64::INFINITY,
            (excess, tolerance) => excess as f64 / tolerance.max(1) as f64,
        }
    }

    fn figures(self) -> Figures {
        Figures::Numbers {
            unit: self.unit,
            relation: self.relation,
            expected: self.expected,
            observed: self.observed,
            tolerance: self.tolerance,
        }
    }
}
