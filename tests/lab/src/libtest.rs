//! Parses the output of Rust's test programs: the names and the results of tests.

use std::ops::AddAssign;

/// Numbers of tests by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Returns the sum of all result lines that test programs printed.
pub fn counts(output: &str) -> Counts {
    let mut all = Counts::default();
    for line in output.lines() {
        // test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
        let Some((_, numbers)) = line
            .trim()
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            continue;
        };
        for number in numbers.split(';') {
            let mut words = number.split_whitespace();
            let count = words
                .next()
                .and_then(|count| count.parse().ok())
                .unwrap_or(0);
            match words.next() {
                Some("passed") => all.passed += count,
                Some("failed") => all.failed += count,
                _ => {}
            }
        }
    }
    all
}

/// Returns the tests' names in what a test program prints for `--list`.
pub fn names(list: &str) -> Vec<&str> {
    let names = list.lines().map(|line| line.strip_suffix(": test"));
    names.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_tests_of_a_list() {
        let list = "dom0::store::names: test\ndom0::live::keys: test\nbig: benchmark\n\n2 tests, 1 benchmark\n";
        assert_eq!(names(list), ["dom0::store::names", "dom0::live::keys"]);
        assert!(names("\n0 tests, 0 benchmarks\n").is_empty());
    }

    #[test]
    fn all_result_lines_count() {
        let output = "running 3 tests\n\
            test names::hostile ... ok\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            \n\
            test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.00s\n";
        assert_eq!(
            counts(output),
            Counts {
                passed: 13,
                failed: 2
            }
        );
        assert_eq!(counts("error: could not compile"), Counts::default());
    }
}
