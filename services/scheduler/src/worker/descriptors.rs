//! File descriptors handed to another process over a Unix socket.

use artel_platform::Result;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// The length of a frame, and with it up to four descriptors: whoever reads the length has them.
pub(super) async fn pass(stream: &UnixStream, length: [u8; 4], descriptors: &[OwnedFd]) -> Result<()> {
    loop {
        stream.writable().await?;
        match stream.try_io(Interest::WRITABLE, || send(stream.as_fd(), &length, descriptors)) {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            result => return Ok(result?),
        }
    }
}

fn send(stream: BorrowedFd<'_>, bytes: &[u8; 4], descriptors: &[OwnedFd]) -> std::io::Result<()> {
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&borrowed)) {
        return Err(std::io::Error::other("four descriptors are passed at most"));
    }
    match rustix::net::sendmsg(stream, &[IoSlice::new(bytes)], &mut control, SendFlags::empty())? {
        4 => Ok(()),
        n => Err(std::io::Error::other(format!("{n} of 4 bytes were taken with the descriptors"))),
    }
}
