//! Injected faults.

use api::error::CallError;
pub use observe::fault::What;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A fault and the requests that it applies to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Only requests to this path; all paths if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Requests that are skipped first.
    #[serde(default)]
    pub after: u64,
    /// Most requests that it applies to; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Probability from 0 to 1.
    #[serde(default = "default_probability")]
    pub probability: f64,
    /// The fault itself.
    #[serde(flatten)]
    pub what: What,
}

/// The fault is invalid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FaultError {
    /// The status is not supported.
    #[error("a request can be refused with 401, 418, 429, 500 or 503, not with {0}")]
    Status(u16),
    /// The probability is out of range.
    #[error("probability must be a number from 0 to 1")]
    Probability,
}

fn default_probability() -> f64 {
    1.0
}

impl From<What> for Fault {
    /// Applies to every request.
    fn from(what: What) -> Self {
        Self { path: None, after: 0, times: None, probability: default_probability(), what }
    }
}

impl Fault {
    pub(super) fn check(&self) -> Result<(), FaultError> {
        if let What::Refuse { status } = self.what
            && CallError::with_status(status).is_none()
        {
            return Err(FaultError::Status(status));
        }
        match (0.0..=1.0).contains(&self.probability) {
            true => Ok(()),
            false => Err(FaultError::Probability),
        }
    }
}

/// The faults, each with the number of requests that it saw and applied to.
#[derive(Default)]
pub(super) struct Faults(Vec<(Fault, u64, u64)>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push((fault, 0, 0));
    }

    /// The faults for the next request to a path.
    pub(super) fn next_faults(&mut self, path: &str, chance: impl Fn() -> u64) -> Vec<What> {
        let mut met = Vec::new();
        for (fault, seen, happened) in &mut self.0 {
            if fault.path.as_ref().is_some_and(|only| only != path) {
                continue;
            }
            *seen += 1;
            let due = *seen > fault.after && fault.times.is_none_or(|times| *happened < times);
            // 53 bits fit into an `f64`, so no value is rounded up to 1.
            if due && ((chance() >> 11) as f64 / 2f64.powi(53)) < fault.probability {
                *happened += 1;
                met.push(fault.what.clone());
            }
        }
        met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_met_by_path_by_count_and_by_chance() {
        let mut faults = Faults::default();
        let drop = Fault { path: Some("/a".into()), after: 1, times: Some(2), ..What::DropAnswer.into() };
        faults.add(drop);
        faults.add(Fault { probability: 0.5, ..What::Refuse { status: 503 }.into() });
        let never = || u64::MAX;
        let met: Vec<_> =
            ["/a", "/b", "/a", "/a", "/a"].map(|path| faults.next_faults(path, never).len()).into();
        assert_eq!(met, [0, 0, 1, 1, 0]);
        assert_eq!(faults.next_faults("/b", || 1 << 62), [What::Refuse { status: 503 }]);
    }

    #[test]
    fn a_fault_is_written_as_json() {
        let text = r#"{"path":"/a","kind":"refuse","status":418,"times":1}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(
            fault,
            Fault { path: Some("/a".into()), times: Some(1), ..What::Refuse { status: 418 }.into() }
        );
        assert_eq!(fault.check(), Ok(()));
        assert_eq!(Fault::from(What::Refuse { status: 404 }).check(), Err(FaultError::Status(404)));
        assert_eq!(
            Fault { probability: 2.0, ..What::DropAnswer.into() }.check(),
            Err(FaultError::Probability)
        );
    }
}
