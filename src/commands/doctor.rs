//! `xenscope doctor`

use xenscope::doctor::{examine, is_ready};
use xenscope::view::doctor;

use super::output::Output;
use crate::cli::{Doctor, DoctorFormat};
use crate::exit::Outcome;

pub(super) fn run(
    options: &Doctor,
    allow_untested: bool,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let checks = examine(allow_untested);
    let text = match options.format {
        DoctorFormat::Table => doctor::sections(&checks, out.width()),
        DoctorFormat::Json => doctor::json(&checks),
    };
    out.print(&text)?;
    Ok(match is_ready(&checks) {
        true => Outcome::Done,
        false => Outcome::Failed,
    })
}
