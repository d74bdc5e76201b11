//! What `slo` and `alert` will say of rules themselves.

/// Of SLOs.
pub(super) mod slo {
    use crate::slo::Slo;

    /// The promise in plain words, a sentence each.
    pub(in crate::config) fn plain_words(slo: &Slo) -> Vec<String> {
        vec![format!("{} has to be good", slo.objective)]
    }

    /// What can never fire or never be measured, with what to change.
    pub(in crate::config) fn problems(_: &Slo) -> Vec<String> {
        Vec::new()
    }
}

/// Of alerts.
pub(super) mod alert {
    use crate::alert::AlertRule;

    /// When it fires, in plain words.
    pub(in crate::config) fn plain_words(rule: &AlertRule) -> String {
        format!("raises {} after {}", rule.severity.label(), rule.hold)
    }

    /// What can never fire, with what to change.
    pub(in crate::config) fn problems(_: &AlertRule) -> Vec<String> {
        Vec::new()
    }
}
