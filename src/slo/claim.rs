//! What an SLO says when it speaks, in one clause. Never with a number that does not reach up to now.

use crate::model::{Measured, SloView};

/// Whether what is known of the SLO reaches up to now. While its cluster is down, nobody judges records: a rate of the
/// last five minutes would be one of earlier minutes. Slices of an outage are judged all the same, most of them as
/// unmeasured, so theirs stay.
#[must_use]
pub fn is_current(up: Measured<()>, view: &SloView) -> bool {
    up.is_ok() || view.slo.unit == "slices"
}

/// Of an SLO whose tier is true:
/// `burn rate 15.00 over 1h and 20.12 over 5m, above 14.40; 87.3% of the budget of 30d is left`
#[must_use]
pub fn burning(up: Measured<()>, view: &SloView) -> String {
    let budget = view.budget_remaining.map(|left| {
        let (percent, window) = (left.abs() * 100.0, &view.slo.window);
        if left < 0.0 {
            format!("the budget of {window} is overdrawn by {percent:.1}%")
        } else {
            format!("{percent:.1}% of the budget of {window} is left")
        }
    });
    let rates = view.governing.as_ref().filter(|tier| !tier.held && is_current(up, view));
    let rates = rates.and_then(|tier| {
        let (long, short) = (tier.long.in_units(), tier.short.in_units());
        Some(format!(
            "burn rate {:.2} over {long} and {:.2} over {short}, above {:.2}",
            tier.long_rate?, tier.short_rate?, tier.factor
        ))
    });
    let held = rates.is_none().then(|| "burned too fast when it was last measured".to_owned());
    let clauses: Vec<String> = rates.or(held).into_iter().chain(budget).collect();
    clauses.join("; ")
}

/// Of an SLO that has been unmeasured for too long.
#[must_use]
pub fn unmeasured(view: &SloView) -> String {
    let because = view.because.as_ref().map(|because| format!(": {because}")).unwrap_or_default();
    format!("too little could be measured for too long{because}")
}
