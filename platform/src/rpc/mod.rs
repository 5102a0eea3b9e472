//! gRPC between services. A caller holds a tonic client over a [`Channel`], which is the peer's routes in this very
//! process (no socket) or a lazy TCP channel; the caller cannot tell. Peers resolve on first use, so start order
//! never matters.

mod channel;
mod guard;
mod listen;
mod replicas;

pub use channel::Channel;
pub use listen::serve;
pub use replicas::{Replicas, addresses};

use crate::config::Config;
use crate::error::{Error, Result, ResultExt};
use crate::identity::Keys;
use artel_proto::artel::artifact::v1::artifact_client::ArtifactClient;
use artel_proto::artel::hub::v1::hub_client::HubClient;
use artel_proto::artel::registry::v1::registry_client::RegistryClient;
use artel_proto::artel::scheduler::v1::scheduler_client::SchedulerClient;
use artel_proto::artel::tracking::v1::tracking_client::TrackingClient;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use tonic::service::Routes;

/// Largest gRPC message, either way: a batch of log lines or an XCom, not an artifact.
pub const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// Every service that can be asked.
pub const SERVICES: &[&str] = &["artifact", "hub", "registry", "scheduler", "serving", "tracking"];

/// Where the replicas of a service are, by its setting.
fn endpoints(service: &str, setting: &str) -> Result<Vec<tonic::transport::Endpoint>> {
    let wrong = format!("peers.{service}.grpc is no URL (several replicas are separated by commas)");
    let parse = |address: &str| tonic::transport::Endpoint::from_shared(address.to_owned()).or_invalid(&wrong);
    let endpoints = addresses(setting).into_iter().map(parse).collect::<Result<Vec<_>>>()?;
    if endpoints.is_empty() { Err(Error::invalid(wrong)) } else { Ok(endpoints) }
}

/// Where every service is, seen from this process.
#[derive(Clone)]
pub struct Peers(Arc<HashMap<&'static str, Channel>>);

impl Peers {
    /// Services in `local` are (or will be) in this process; the others are where `[peers]` says.
    pub fn new(config: &Config, local: &[&str], keys: &Keys) -> Result<Self> {
        let mut channels = HashMap::new();
        for service in SERVICES {
            let channel = if local.contains(service) {
                Channel::local(service)
            } else if let Some(peer) = config.peers.get(*service) {
                Channel::remote(service, endpoints(service, &peer.grpc)?, keys.clone())
            } else {
                Channel::absent(service)
            };
            channels.insert(*service, channel);
        }
        Ok(Self(Arc::new(channels)))
    }

    /// The view of a worker on another host: one service, where `[peers]` says, by a token.
    pub fn by_token(config: &Config, service: &'static str, token: &str) -> Result<Self> {
        let peer =
            config.peers.get(service).ok_or_else(|| Error::invalid(format!("say where the {service} is: --server http://HOST:PORT")))?;
        let channel = Channel::with_token(service, endpoints(service, &peer.grpc)?, token);
        Ok(Self(Arc::new(HashMap::from([(service, channel)]))))
    }

    /// Makes a service of this process reachable.
    pub fn provide(&self, service: &'static str, routes: Routes) {
        if let Some(channel) = self.0.get(service) {
            channel.provide(routes);
        }
    }

    /// The channel to `service`; calls fail with `UNAVAILABLE` when this process knows no such peer.
    pub fn channel(&self, service: &'static str) -> Channel {
        self.0.get(service).cloned().unwrap_or_else(|| Channel::absent(service))
    }

    /// A client of the hub.
    pub fn hub(&self) -> HubClient<Channel> {
        HubClient::new(self.channel("hub")).max_decoding_message_size(MAX_MESSAGE)
    }

    /// A client of tracking.
    pub fn tracking(&self) -> TrackingClient<Channel> {
        TrackingClient::new(self.channel("tracking")).max_decoding_message_size(MAX_MESSAGE)
    }

    /// A client of the registry.
    pub fn registry(&self) -> RegistryClient<Channel> {
        RegistryClient::new(self.channel("registry")).max_decoding_message_size(MAX_MESSAGE)
    }

    /// A client of the artifact service.
    pub fn artifact(&self) -> ArtifactClient<Channel> {
        ArtifactClient::new(self.channel("artifact")).max_decoding_message_size(MAX_MESSAGE)
    }

    /// A client of the scheduler.
    pub fn scheduler(&self) -> SchedulerClient<Channel> {
        SchedulerClient::new(self.channel("scheduler")).max_decoding_message_size(MAX_MESSAGE)
    }
}

/// Set once when the service of this process has started.
type Slot = OnceLock<Routes>;

fn absent(service: &str) -> Error {
    Error::unavailable(format!("the {service} service is not part of this process and [peers.{service}] does not say where it is"))
}
