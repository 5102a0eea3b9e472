//! Services: programs that use the hub's API. Some come from the settings, others are made by the API.

use crate::Hub;
use crate::authenticate::hash;
use crate::config::Service;
use crate::store::services as store;
use crate::store::tokens::{self, Kind, Token};
use crate::tokens::tell_revoked;
use crate::users::tell_everybody;
use artel_platform::db::Tx;
use artel_platform::{Error, Result};

impl Hub {
    /// Every service, those of the settings first.
    pub(crate) async fn services(&self) -> Result<Vec<Service>> {
        let mut all = self.settings.services.clone();
        for (name, spec) in store::all(&self.db).await? {
            if !all.iter().any(|service| service.name == name) {
                all.push(serde_json::from_str(&spec)?);
            }
        }
        Ok(all)
    }

    /// The service of that name.
    pub(crate) async fn service(&self, name: &str) -> Result<Option<Service>> {
        match self.settings.services.iter().find(|service| service.name == name) {
            Some(service) => Ok(Some(service.clone())),
            None => store::find(&self.db, name).await?.map(|spec| serde_json::from_str(&spec)).transpose().map_err(Into::into),
        }
    }

    /// The service that is this OAuth client.
    pub(crate) async fn service_of_client(&self, client_id: &str) -> Result<Option<Service>> {
        Ok(self.services().await?.into_iter().find(|service| service.client_id().as_deref() == Some(client_id)))
    }

    /// Stores the tokens that the settings give to services, and forgets those of services that are no more.
    pub(crate) async fn load_services(&self) -> Result<()> {
        let mut tx = self.db.begin().await?;
        for service in &self.settings.services {
            if let Some(secret) = service.token()? {
                self.give_token(&mut tx, &service.name, &secret).await?;
            }
        }
        let known = self.services().await?;
        for name in tokens::services(&self.db).await? {
            if !known.iter().any(|service| service.name == name) {
                let revoked = tokens::delete_of_service(&mut tx, &name, &format!("service-{name}")).await?;
                tell_revoked(&mut tx, &revoked);
            }
        }
        tx.commit().await
    }

    /// Makes `secret` the token of a service, with all that the service has.
    pub(crate) async fn give_token(&self, tx: &mut Tx, service: &str, secret: &str) -> Result<()> {
        let (token, _) = self.new_token(Kind::Service, "", &format!("Token of the service {service}"), vec![crate::scopes::INHERIT.into()]);
        tokens::replace_of_service(tx, &hash(secret), &Token { service: Some(service.into()), ..token }).await
    }

    /// Adds a service that the hub does not keep. `ALREADY_EXISTS` when there is one of that name.
    pub(crate) async fn create_service(&self, service: Service) -> Result<Service> {
        service.check()?;
        if !service.command.is_empty() {
            return Err(Error::invalid(format!("Can not create managed service {} at runtime", service.name)));
        }
        if !service.api_token_file.is_empty() {
            return Err(Error::invalid("service.api_token_file can be given in the settings only; send service.api_token"));
        }
        let exists = || Error::exists(format!("Service {} already exists", service.name));
        if self.service(&service.name).await?.is_some() {
            return Err(exists());
        }
        if let Some(client) = service.client_id()
            && self.service_of_client(&client).await?.is_some()
        {
            return Err(Error::invalid(format!("another service is the OAuth client {client}; send another service.oauth_client_id")));
        }
        let secret = service.token()?;
        // the secret is stored as its hash only
        let kept = Service { api_token: String::new(), ..service.clone() };
        let mut tx = self.db.begin().await?;
        if !store::insert(&mut tx, &service.name, &serde_json::to_string(&kept)?, self.cx.clock.now()).await? {
            return Err(exists());
        }
        if let Some(secret) = secret {
            self.give_token(&mut tx, &service.name, &secret).await?;
        }
        if service.admin {
            let held = crate::store::roles::Held { role: "admin".into(), kind: "service".into(), holder: service.name.clone() };
            crate::store::roles::assign(&mut tx, &held).await?;
        }
        tell_everybody(&mut tx);
        tx.commit().await?;
        self.announce();
        Ok(kept)
    }

    /// Removes a service that the API has made, with its tokens and roles.
    pub(crate) async fn delete_service(&self, service: &Service) -> Result<()> {
        let mut tx = self.db.begin().await?;
        store::delete(&mut tx, &service.name).await?;
        crate::store::roles::forget_holder(&mut tx, "service", &service.name).await?;
        let client = service.client_id().unwrap_or_default();
        let revoked = tokens::delete_of_service(&mut tx, &service.name, &client).await?;
        tell_revoked(&mut tx, &revoked);
        tell_everybody(&mut tx);
        tx.commit().await?;
        self.announce();
        Ok(())
    }

    /// Is the service one of the settings?
    pub(crate) fn is_configured(&self, service: &str) -> bool {
        self.settings.services.iter().any(|known| known.name == service)
    }
}
