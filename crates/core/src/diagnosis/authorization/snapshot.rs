//! A picture as a file, so that questions can be answered without rights, and later.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Picture;
use crate::view::plan_json::schema_of;

/// What says that a file is one.
const FORMAT: &str = "eksact/access-snapshot";
/// The version of the format.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    format: String,
    version: u32,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    /// What the file is.
    #[schemars(extend("const" = FORMAT))]
    format: &'static str,
    /// The version of its format.
    #[schemars(extend("const" = VERSION))]
    version: u32,
    /// When it was taken, in UTC.
    taken_at: &'a str,
    /// What was read.
    picture: &'a Picture,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    taken_at: String,
    picture: Picture,
}

/// Why a file is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is something else.
    #[error("it is not a snapshot of `eksact snapshot`")]
    Other,
    /// It is of a version that this eksact does not know.
    #[error(
        "it is a snapshot of format {0}, and this eksact reads format {VERSION}; update eksact, or take the snapshot anew"
    )]
    Version(u32),
    /// It is broken.
    #[error("it is not a whole snapshot: {0}")]
    Broken(serde_json::Error),
}

/// The file, and when it was taken.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn write_snapshot(picture: &Picture, taken_at: &str) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Written {
        format: FORMAT,
        version: VERSION,
        taken_at,
        picture,
    })
    .map(|text| text + "\n")
}

/// The JSON Schema of the file.
pub fn snapshot_schema() -> Value {
    schema_of::<Written<'static>>("What `eksact snapshot` writes")
}

/// What a file holds: the picture, and when it was taken.
///
/// # Errors
/// When it is no snapshot that can be read whole.
pub fn read_snapshot(text: &str) -> Result<(Picture, String), SnapshotError> {
    let header: Header = serde_json::from_str(text).map_err(|_| SnapshotError::Other)?;
    if header.format != FORMAT {
        return Err(SnapshotError::Other);
    }
    if header.version != VERSION {
        return Err(SnapshotError::Version(header.version));
    }
    let stored: Stored = serde_json::from_str(text).map_err(SnapshotError::Broken)?;
    Ok((stored.picture, stored.taken_at))
}
