//! The counts since the start in the Prometheus text format (0.0.4).

use std::fmt::{Display, Write as _};

use super::histogram::BOUNDS;
use super::{OTHERS, Telemetry, UNKNOWN};

/// The counter of requests without an endpoint.
pub(super) const OTHER: &str = "other";

/// A value that is read when the metrics are collected, and not counted for each request. Name, kind, help, label names
/// and units follow the conventions of Prometheus.
pub struct Reading {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: Vec<Sample>,
}

/// A line of a reading.
struct Sample {
    /// What follows the name.
    suffix: &'static str,
    labels: Vec<(&'static str, String)>,
    value: String,
}

impl Reading {
    /// A value that goes up and down.
    pub fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, kind: "gauge", help, samples: Vec::new() }
    }

    /// A count since the start. Its name ends in `_total`.
    pub fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, kind: "counter", help, samples: Vec::new() }
    }

    /// Counts in buckets.
    pub fn histogram(name: &'static str, help: &'static str) -> Self {
        Self { name, kind: "histogram", help, samples: Vec::new() }
    }

    /// With a value.
    #[must_use]
    pub fn value(self, value: impl Display) -> Self {
        self.labelled([], value)
    }

    /// With a value that has labels.
    #[must_use]
    pub fn labelled<const N: usize>(
        mut self,
        labels: [(&'static str, &str); N],
        value: impl Display,
    ) -> Self {
        let labels = labels.map(|(label, value)| (label, value.to_owned())).into();
        self.samples.push(Sample { suffix: "", labels, value: value.to_string() });
        self
    }

    /// With the buckets of one label: the count of each, their upper bounds in microseconds, and the sum of all.
    #[must_use]
    pub fn buckets(
        mut self,
        label: (&'static str, &str),
        bounds: &[u64],
        counts: &[u64],
        micros: u64,
    ) -> Self {
        let label = || (label.0, label.1.to_owned());
        let mut so_far = 0;
        let ends = bounds.iter().map(|bound| seconds(*bound)).chain(["+Inf".to_owned()]);
        for (end, count) in ends.zip(counts) {
            so_far += count;
            let labels = vec![label(), ("le", end)];
            self.samples.push(Sample { suffix: "_bucket", labels, value: so_far.to_string() });
        }
        self.samples.push(Sample { suffix: "_sum", labels: vec![label()], value: seconds(micros) });
        self.samples.push(Sample { suffix: "_count", labels: vec![label()], value: so_far.to_string() });
        self
    }
}

impl Telemetry {
    /// These readings and all counts in the text format of Prometheus.
    pub fn text(&self, readings: &[Reading]) -> String {
        let mut text = Text(String::with_capacity(16 << 10));
        text.family("matricula_start_time_seconds", "gauge", "When the node began to count, since 1970.");
        text.line("matricula_start_time_seconds", &[], self.since.as_second());
        for Reading { name, kind, help, samples } in readings {
            text.family(name, kind, help);
            for Sample { suffix, labels, value } in samples {
                let labels: Vec<_> =
                    labels.iter().map(|(label, value)| (*label, value as &dyn Display)).collect();
                text.line(&format!("{name}{suffix}"), &labels, value);
            }
        }
        self.requests(&mut text);
        text.0
    }

    fn requests(&self, text: &mut Text) {
        let counts = self.counts();
        let mut endpoints: Vec<_> = counts.endpoints.iter().filter(|it| !it.1.statuses.is_empty()).collect();
        endpoints.sort_by_key(|(path, _)| **path);
        let mut applications: Vec<_> = counts.applications.iter().map(|(id, it)| (&**id, it)).collect();
        applications.extend([(UNKNOWN, &counts.unknown), (OTHERS, &counts.others)]);
        applications.retain(|(_, it)| it.requests > 0);
        applications.sort_by_key(|(app_id, _)| *app_id);

        let name = "matricula_requests_total";
        text.family(name, "counter", "Requests by endpoint and HTTP status.");
        for (endpoint, counts) in &endpoints {
            for (status, requests) in &counts.statuses {
                text.line(name, &[("endpoint", endpoint), ("status", status)], requests);
            }
        }
        let name = "matricula_application_requests_total";
        text.family(name, "counter", "Requests by application.");
        for (app_id, counts) in &applications {
            text.line(name, &[("application", app_id)], counts.requests);
        }
        let name = "matricula_refusals_total";
        text.family(name, "counter", "Requests and items that were refused, by application and code.");
        for (app_id, counts) in &applications {
            let mut codes: Vec<_> = counts.codes.iter().collect();
            codes.sort_unstable();
            for (code, times) in codes {
                text.line(name, &[("application", app_id), ("code", code)], times);
            }
        }
        let name = "matricula_signature_refusals_total";
        text.family(name, "counter", "Refused signatures that were examined, by application and cause.");
        for (app_id, cause, times) in counts.refusals.causes() {
            let app_id = if app_id.is_empty() { UNKNOWN } else { app_id };
            text.line(name, &[("application", &app_id), ("cause", &cause)], times);
        }
        let name = "matricula_request_duration_seconds";
        text.family(name, "histogram", "How long requests took, by endpoint.");
        let (bucket, sum, count) = (format!("{name}_bucket"), format!("{name}_sum"), format!("{name}_count"));
        for (endpoint, counts) in &endpoints {
            let mut so_far = 0;
            let bounds = BOUNDS.iter().map(|micros| seconds(*micros)).chain(["+Inf".to_owned()]);
            for (bound, requests) in bounds.zip(counts.latency.counts) {
                so_far += requests;
                text.line(&bucket, &[("endpoint", endpoint), ("le", &bound)], so_far);
            }
            text.line(&sum, &[("endpoint", endpoint)], seconds(counts.latency.micros));
            text.line(&count, &[("endpoint", endpoint)], so_far);
        }
    }
}

fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// Names and help texts are constants; label values may contain anything and are escaped.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, sort: &str, help: &str) {
        // Writing to memory cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {sort}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.0.push_str(name);
        for (number, (label, value)) in labels.iter().enumerate() {
            let value = value.to_string().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{value}\"", if number == 0 { '{' } else { ',' });
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = Text(String::new());
        text.line("a", &[("b", &"\\\"\n"), ("c", &1)], 2);
        text.line("d", &[], 0.5);
        assert_eq!(text.0, "a{b=\"\\\\\\\"\\n\",c=\"1\"} 2\nd 0.5\n");
    }
}
