//! An event in JSON; README.md, "The events", describes its fields.

use serde::Serialize;
use uuid::Uuid;

use super::{SCHEMA, written};
use crate::events::{Change, Event};
use crate::snapshot::DomId;

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    time: jiff::Timestamp,
    id: Option<DomId>,
    uuid: Option<Uuid>,
    name: Option<&'a str>,
    #[serde(flatten)]
    change: &'a Change,
}

/// The event as one line.
pub fn line(event: &Event) -> String {
    written(&Line {
        schema: SCHEMA,
        time: event.time,
        id: event.domain.map(|domain| domain.id),
        uuid: event.domain.map(|domain| domain.uuid),
        name: event.name.as_deref(),
        change: &event.change,
    })
}
