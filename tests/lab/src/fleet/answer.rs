//! What Prometheus answers to a query.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// A series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// Its labels, with its name as `__name__`.
    pub(super) labels: BTreeMap<String, String>,
    /// Its values, by the time in seconds since 1970.
    pub(super) points: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
struct Response {
    error: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metric: BTreeMap<String, String>,
    /// Of a query at one moment.
    value: Option<(f64, String)>,
    /// Of a query over a time.
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// Returns the series of an answer of Prometheus' API to a query.
///
/// # Errors
/// If it is an error, or not such an answer.
pub(super) fn series(answer: &str) -> Result<Vec<Series>> {
    let response: Response =
        serde_json::from_str(answer).with_context(|| format!("this is no answer: {answer}"))?;
    let Some(data) = response.data else {
        bail!("{}", response.error.unwrap_or_else(|| "no data".into()));
    };
    let series = data.result.into_iter().map(|item| {
        let points = item.value.into_iter().chain(item.values);
        let points = points.map(|(time, value)| {
            let value = value
                .parse()
                .with_context(|| format!("'{value}' is no number"))?;
            Ok((time, value))
        });
        Ok(Series {
            labels: item.metric,
            points: points.collect::<Result<_>>()?,
        })
    });
    series.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_answers_are_read() -> Result<()> {
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"__name__":"up","job":"xen"},"value":[1.5,"1"]}]}}"#;
        let all = series(vector)?;
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].labels["job"], "xen");
        assert_eq!(all[0].points, [(1.5, 1.0)]);
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{},"values":[[1,"0.5"],[2,"+Inf"]]}]}}"#;
        assert_eq!(
            series(matrix)?[0].points,
            [(1.0, 0.5), (2.0, f64::INFINITY)]
        );
        let error = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        assert!(series(error).is_err_and(|error| error.to_string() == "parse error"));
        Ok(())
    }
}
