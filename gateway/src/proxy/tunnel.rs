//! Bytes both ways between two connections. There may be thousands that say nothing for hours, so a direction owns no
//! buffer while it waits: each thread reads into one of its own, and what the other side does not take at once is kept
//! until it does.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const BUFFER: usize = 64 * 1024;
/// When one side has ended, the other has so long to say its last.
const LAST_WORDS: Duration = Duration::from_secs(10);

thread_local! {
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into());
}

/// One direction.
#[derive(Default)]
struct Direction {
    /// Read and not written yet.
    left: Vec<u8>,
    /// How much of `left` is written.
    written: usize,
    to_flush: bool,
    /// The reading side has ended.
    ended: bool,
    /// And the writing side was told.
    done: bool,
}

/// Carries bytes until both sides have ended, or either fails. Calls `heard` whenever the client said
/// something.
pub(crate) async fn tunnel<A, B>(client: A, target: B, heard: impl Fn()) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    carry_both(client, target, heard, LAST_WORDS).await
}

async fn carry_both<A, B>(mut client: A, mut target: B, heard: impl Fn(), last_words: Duration) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (mut up, mut down) = (Direction::default(), Direction::default());
    let mut both = |cx: &mut Context<'_>| -> Poll<io::Result<()>> {
        let first = up.carry(cx, &mut client, &mut target, &heard)?;
        let second = down.carry(cx, &mut target, &mut client, &|| ())?;
        if first.is_ready() || second.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
    };
    poll_fn(&mut both).await?;
    let rest = poll_fn(|cx| {
        let first = up.carry(cx, &mut client, &mut target, &heard)?;
        let second = down.carry(cx, &mut target, &mut client, &|| ())?;
        if first.is_ready() && second.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
    });
    tokio::time::timeout(last_words, rest).await.unwrap_or(Ok(()))
}

impl Direction {
    fn carry<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W, heard: &impl Fn()) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            if self.done {
                return Poll::Ready(Ok(()));
            }
            while self.written < self.left.len() {
                match ready!(Pin::new(&mut *to).poll_write(cx, &self.left[self.written..]))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    n => self.written += n,
                }
            }
            (self.left, self.written) = (Vec::new(), 0);
            if self.ended {
                ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                self.done = true;
                continue;
            }
            let read = READ.with_borrow_mut(|buffer| self.read(cx, from, to, buffer))?;
            match read {
                // an end is no word
                Poll::Ready(()) if self.ended => {}
                Poll::Ready(()) => heard(),
                Poll::Pending => {
                    if self.to_flush {
                        ready!(Pin::new(&mut *to).poll_flush(cx))?;
                        self.to_flush = false;
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Reads once and writes as much of it as is taken.
    fn read<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W, buffer: &mut [u8]) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(from).poll_read(cx, &mut read))?;
        let bytes = read.filled();
        if bytes.is_empty() {
            self.ended = true;
            return Poll::Ready(Ok(()));
        }
        self.to_flush = true;
        let taken = match Pin::new(to).poll_write(cx, bytes)? {
            Poll::Ready(taken) => taken,
            Poll::Pending => 0,
        };
        self.left = bytes[taken..].to_vec();
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn everything_arrives_both_ways_through_narrow_pipes() {
        // narrower than what is written, so that much is left over again and again
        let (client, near) = tokio::io::duplex(100);
        let (far, target) = tokio::io::duplex(70);
        let heard = Cell::new(0);
        let sent: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
        let talk = |stream: tokio::io::DuplexStream| {
            let sent = sent.clone();
            async move {
                let (mut read, mut write) = tokio::io::split(stream);
                let mut got = Vec::new();
                let say = async {
                    write.write_all(&sent).await.unwrap();
                    write.shutdown().await.unwrap();
                };
                tokio::join!(say, async { read.read_to_end(&mut got).await.unwrap() });
                got
            }
        };
        let (ended, one, other) = tokio::join!(tunnel(near, far, || heard.set(heard.get() + 1)), talk(client), talk(target));
        ended.unwrap();
        assert!(one == sent && other == sent);
        assert!(heard.get() > 100, "the client spoke more often");
    }

    #[tokio::test]
    async fn a_side_that_never_ends_is_left_in_the_end() {
        let (client, near) = tokio::io::duplex(100);
        let (far, _target) = tokio::io::duplex(100);
        drop(client);
        let heard = Cell::new(0);
        carry_both(near, far, || heard.set(heard.get() + 1), Duration::from_millis(50)).await.unwrap();
        assert_eq!(heard.get(), 0, "nobody said anything");
    }
}
