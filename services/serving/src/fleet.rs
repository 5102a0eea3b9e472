//! What serves in this process: the deployment behind each endpoint name, switched in one step.

use crate::workers::Deployment;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Every endpoint of this process.
#[derive(Default)]
pub(crate) struct Fleet {
    members: RwLock<HashMap<String, Arc<Member>>>,
    woken: Notify,
}

/// One endpoint.
pub(crate) struct Member {
    /// The endpoint's id.
    pub(crate) id: String,
    current: RwLock<Option<Arc<Deployment>>>,
    /// Something may be to be done for it.
    pub(crate) wake: Notify,
    /// The endpoint was deleted.
    pub(crate) gone: CancellationToken,
}

fn key(workspace: &str, name: &str) -> String {
    format!("{workspace}/{name}")
}

impl Fleet {
    /// Has the reconciler look for changed wishes.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// What serves requests for an endpoint now.
    pub(crate) fn deployment(&self, workspace: &str, name: &str) -> Option<Arc<Deployment>> {
        self.members.read().expect("not poisoned").get(&key(workspace, name))?.current()
    }

    /// The member for an endpoint; with `true` when it is new. A former endpoint of the same name is retired.
    pub(crate) fn member(&self, workspace: &str, name: &str, id: &str) -> (Arc<Member>, bool) {
        let mut members = self.members.write().expect("not poisoned");
        if let Some(member) = members.get(&key(workspace, name)).filter(|member| member.id == id) {
            return (member.clone(), false);
        }
        let member = Arc::new(Member { id: id.into(), current: RwLock::default(), wake: Notify::new(), gone: CancellationToken::new() });
        if let Some(former) = members.insert(key(workspace, name), member.clone()) {
            former.gone.cancel();
        }
        (member, true)
    }

    /// No request finds the endpoint from now on; its workers are ended by whoever runs it.
    pub(crate) fn remove(&self, id: &str) {
        self.retain(|member| member != id);
    }

    /// Removes every endpoint whose id `keep` refuses.
    pub(crate) fn retain(&self, keep: impl Fn(&str) -> bool) {
        self.members.write().expect("not poisoned").retain(|_, member| {
            let stays = keep(&member.id);
            if !stays {
                member.gone.cancel();
            }
            stays
        });
    }
}

impl Member {
    pub(crate) fn current(&self) -> Option<Arc<Deployment>> {
        self.current.read().expect("not poisoned").clone()
    }

    /// New requests go to `next` from now on.
    pub(crate) fn switch(&self, next: Option<Arc<Deployment>>) -> Option<Arc<Deployment>> {
        std::mem::replace(&mut *self.current.write().expect("not poisoned"), next)
    }
}
