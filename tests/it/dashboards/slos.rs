//! *SLOs*.

use super::json::{Dashboard, Kind, panel};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        file: "plimsoll-slos",
        title: "Kafka SLOs",
        description: "Whether promises are kept: budgets, how fast they burn, and what could not be measured.",
        variables: &[
            ("slo", "SLO", "label_values(plimsoll_slo_objective_ratio{cluster=~\"$cluster\"}, slo)"),
            (
                "group",
                "Group",
                "label_values(plimsoll_slo_objective_ratio{cluster=~\"$cluster\", slo=~\"$slo\"}, consumergroup)",
            ),
        ],
        panels: vec![
            panel(
                "Budget remaining, now",
                "Share of the window's error budget that is left; negative when more than all of it is used.",
                "percentunit",
                r#"plimsoll_slo_error_budget_remaining_ratio{cluster=~"$cluster", slo=~"$slo", consumergroup=~"$group"}"#,
                "{{slo}} {{consumergroup}} {{topic}}",
            )
            .kind(Kind::Stat)
            .width(12),
            panel(
                "Budget burn-down",
                "The same over time.",
                "percentunit",
                r#"plimsoll_slo_error_budget_remaining_ratio{cluster=~"$cluster", slo=~"$slo", consumergroup=~"$group"}"#,
                "{{slo}} {{consumergroup}} {{topic}}",
            )
            .width(12),
            panel(
                "Burn rate",
                "How fast each window burns the budget: 1 uses it up exactly at the window's end.",
                "short",
                r#"plimsoll_slo_burn_rate_ratio{cluster=~"$cluster", slo=~"$slo", consumergroup=~"$group"}"#,
                "{{slo}} {{consumergroup}} {{window}}",
            )
            .width(12),
            panel(
                "Coverage",
                "Share of what was to be judged that could be measured.",
                "percentunit",
                r#"plimsoll_slo_coverage_ratio{cluster=~"$cluster", slo=~"$slo", consumergroup=~"$group"}"#,
                "{{slo}} {{consumergroup}} {{topic}}",
            )
            .width(12),
            panel(
                "Good, bad and unmeasured",
                "Records or slices judged per second, each once.",
                "short",
                r#"sum by (slo, outcome) (rate(plimsoll_slo_events_total{cluster=~"$cluster", slo=~"$slo", consumergroup=~"$group"}[$__rate_interval]))"#,
                "{{slo}} {{outcome}}",
            ),
            panel(
                "Open incidents",
                "Incidents that are open, or open and silenced, by urgency.",
                "short",
                r#"sum by (state, severity) (plimsoll_incidents{cluster=~"$cluster"})"#,
                "{{severity}} {{state}}",
            ),
            panel(
                "Alerts",
                "What fires or is about to.",
                "short",
                r#"ALERTS{cluster=~"$cluster", alertstate=~"pending|firing"}"#,
                "{{alertname}} {{consumergroup}} {{topic}} {{alertstate}}",
            )
            .kind(Kind::Table),
            panel(
                "Cannot be measured",
                "What is unmeasured now, and why. None of it is taken for good.",
                "short",
                r#"plimsoll_unmeasured{cluster=~"$cluster"}"#,
                "{{subject}} {{name}} {{reason}}",
            )
            .kind(Kind::Table)
            .width(24),
        ],
    }
}
