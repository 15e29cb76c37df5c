//! A process's ends of the lines that it shares with another.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

/// The longest line, bytes: histograms are long.
const LONGEST: u64 = 64 << 20;

/// How many lines may wait to be taken.
const WAITING: usize = 1024;

/// The next object; `None` at the end.
async fn read<T: DeserializeOwned>(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    let read = from.take(LONGEST).read_until(b'\n', &mut line).await?;
    if read == 0 {
        return Ok(None);
    }
    let wrong = |error| io::Error::other(format!("a line is not understood: {error}"));
    serde_json::from_slice(&line).map(Some).map_err(wrong)
}

/// All objects, in order, read by a task of its own: whoever waits for one may stop waiting. It ends with the lines, or with one
/// that is not understood.
pub(super) fn listen<T>(mut from: impl AsyncBufRead + Unpin + Send + 'static) -> mpsc::Receiver<io::Result<T>>
where
    T: DeserializeOwned + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        while let Some(object) = read(&mut from).await.transpose() {
            let last = object.is_err();
            if sender.send(object).await.is_err() || last {
                return;
            }
        }
    });
    receiver
}

/// Says one.
pub(super) async fn write(to: &mut (impl AsyncWrite + Unpin), object: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(object)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_until_something_is_wrong() {
        let mut written = Vec::new();
        write(&mut written, &vec![1, 2]).await.unwrap();
        write(&mut written, &vec![3]).await.unwrap();
        written.extend(b"no\n[4]\n");
        let mut lines = listen::<Vec<u32>>(BufReader::new(std::io::Cursor::new(written)));
        assert_eq!(lines.recv().await.unwrap().unwrap(), [1, 2]);
        assert_eq!(lines.recv().await.unwrap().unwrap(), [3]);
        assert!(lines.recv().await.unwrap().unwrap_err().to_string().starts_with("a line is not understood"));
        assert!(lines.recv().await.is_none());
    }
}
