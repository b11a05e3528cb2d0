//! Parses the output of Rust's test programs: the names and the results of tests.

use std::ops::AddAssign;

/// Tests by result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// The names of those that passed only when they were run again.
    pub second: Vec<String>,
}

impl Counts {
    /// Takes in what became of these tests, which failed, when they were run again.
    pub fn run_again(&mut self, names: &[&str], output: &str) {
        let again = counts(output);
        if again.passed + again.failed < names.len() as u64 {
            // It has ended before the last of them.
            return;
        }
        self.failed = again.failed;
        self.passed += again.passed;
        let still = failed(output);
        let passed = names.iter().filter(|name| !still.contains(name));
        self.second.extend(passed.map(|&name| name.to_owned()));
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.second.extend(other.second);
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

/// Returns the names of the tests that failed, from the list at the end of what one test program printed; none if the
/// program itself ended before it printed the list.
pub fn failed(output: &str) -> Vec<&str> {
    let Some((_, list)) = output.rsplit_once("\nfailures:\n") else {
        return Vec::new();
    };
    list.lines()
        .map_while(|line| line.strip_prefix("    "))
        .collect()
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

    const TWO_FAILED: &str = "running 3 tests\n\
        test store::names ... FAILED\n\
        \n\
        failures:\n\
        \n\
        ---- store::names stdout ----\n\
        failures:\n\
        \x20   printed by a test\n\
        \n\
        \n\
        failures:\n\
        \x20   store::names\n\
        \x20   live::keys\n\
        \n\
        test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n";

    #[test]
    fn failed_tests_are_those_of_the_last_list() {
        assert_eq!(failed(TWO_FAILED), ["store::names", "live::keys"]);
        assert!(failed("running 2 tests\ntest store::names ... FAILED\n").is_empty());
    }

    #[test]
    fn what_passes_when_run_again_is_named() {
        let mut all = counts(TWO_FAILED);
        let again = "running 2 tests\n\
            failures:\n\
            \x20   live::keys\n\
            \n\
            test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n";
        all.run_again(&failed(TWO_FAILED), again);
        assert_eq!((all.passed, all.failed), (2, 1));
        assert_eq!(all.second, ["store::names"]);

        let mut all = counts(TWO_FAILED);
        all.run_again(
            &failed(TWO_FAILED),
            "running 2 tests\ntest store::names ... ",
        );
        assert_eq!((all.passed, all.failed), (1, 2));
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
                failed: 2,
                second: Vec::new()
            }
        );
        assert_eq!(counts("error: could not compile"), Counts::default());
    }
}
