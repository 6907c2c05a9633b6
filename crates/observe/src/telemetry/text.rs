//! The counts since the start in the Prometheus text format (0.0.4).

use std::fmt::{Display, Write as _};

use jiff::Timestamp;

use super::histogram::BOUNDS;
use super::{OTHERS, Telemetry, UNKNOWN};

/// The counter of requests without an endpoint.
pub(super) const OTHER: &str = "other";

/// Values that are not counted per request.
pub struct Node {
    /// Running requests.
    pub in_flight: usize,
    /// Passwords waiting to be hashed.
    pub waiting: usize,
    /// Most passwords that may wait.
    pub queue: usize,
    /// `None` if the log is unknown.
    pub log_lines_dropped: Option<u64>,
    /// `None` if the store fails.
    pub users: Option<u64>,
    /// `None` without a certificate.
    pub certificate_ends: Option<Timestamp>,
}

impl Telemetry {
    /// All counts in the text format of Prometheus.
    pub fn text(&self, node: &Node) -> String {
        let mut text = Text(String::with_capacity(16 << 10));
        text.family("matricula_build_info", "gauge", "The version of the program; always 1.");
        text.line("matricula_build_info", &[("version", &env!("CARGO_PKG_VERSION"))], 1);
        let one = |text: &mut Text, name, help, value: &dyn Display| {
            text.family(name, "gauge", help);
            text.line(name, &[], value);
        };
        let since = self.since.as_second();
        one(&mut text, "matricula_start_time_seconds", "When the node began to count, since 1970.", &since);
        one(&mut text, "matricula_requests_in_flight", "Requests under way.", &node.in_flight);
        let help = "Passwords that wait or are being hashed.";
        one(&mut text, "matricula_passwords_waiting", help, &node.waiting);
        let help = "Passwords that may wait; more are refused with 503.";
        one(&mut text, "matricula_passwords_waiting_limit", help, &node.queue);
        if let Some(dropped) = node.log_lines_dropped {
            let name = "matricula_log_lines_dropped_total";
            text.family(name, "counter", "Log lines that could not be written.");
            text.line(name, &[], dropped);
        }
        if let Some(users) = &node.users {
            one(&mut text, "matricula_users", "Users and aliases in the directory, on all nodes.", users);
        }
        if let Some(ends) = node.certificate_ends {
            let name = "matricula_certificate_end_seconds";
            one(&mut text, name, "When the certificate in use ends, since 1970.", &ends.as_second());
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
