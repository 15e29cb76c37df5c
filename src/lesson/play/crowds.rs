//! Runs one workload with many clients, on one transport after another, in processes of their own.

use super::Listening;
use super::player::{PlayError, Player};
use crate::lesson::script::Workload;
use crate::timeline::Summary;

impl Player<'_> {
    pub(super) async fn crowds(
        &mut self,
        workload: &Workload,
        _haste: &mut Listening,
    ) -> Result<Summary, PlayError> {
        Err(PlayError::Line { line: workload.line, what: "not built yet".into() })
    }
}
