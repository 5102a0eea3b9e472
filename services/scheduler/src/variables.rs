//! Variables and connections: what DAGs are given from outside. Values, passwords and extras are encrypted at rest.

use crate::Scheduler;
use crate::store::connections::{self, Connection};
use crate::store::variables::{self, Variable};
use crate::store::{Filter, Page};
use artel_platform::Result;

impl Scheduler {
    /// A variable in clear text.
    pub(crate) async fn get_variable(&self, key: &str) -> Result<Option<Variable>> {
        variables::get(&self.db, key).await?.map(|v| self.open_variable(v)).transpose()
    }

    fn open_variable(&self, mut variable: Variable) -> Result<Variable> {
        if variable.is_encrypted
            && let Some(sealed) = &variable.value
        {
            variable.value = Some(self.vault.open(&format!("variable {}", variable.key), sealed)?);
        }
        Ok(variable)
    }

    /// Sets a variable. DAG files that asked for it while they were parsed are parsed again.
    pub(crate) async fn put_variable(&self, key: &str, value: Option<&str>, description: Option<&str>) -> Result<()> {
        let place = format!("variable {key}");
        let sealed = value.map(|v| self.vault.seal(&place, v, &self.cx.ids.secret())).transpose()?;
        let row = Variable { key: key.into(), value: sealed, description: description.map(Into::into), is_encrypted: true };
        let mut tx = self.db.begin().await?;
        variables::put(&mut tx, &row, self.cx.clock.now()).await?;
        tx.commit().await?;
        self.parser.setting_changed(format!("variable:{key}"));
        Ok(())
    }

    /// Removes a variable; returns whether there was one.
    pub(crate) async fn delete_variable(&self, key: &str) -> Result<bool> {
        let mut tx = self.db.begin().await?;
        let found = variables::delete(&mut tx, key).await?;
        tx.commit().await?;
        self.parser.setting_changed(format!("variable:{key}"));
        Ok(found)
    }

    /// Variables in clear text.
    pub(crate) async fn list_variables(&self, filter: Filter, page: &Page) -> Result<(Vec<Variable>, i64)> {
        let (found, total) = variables::list(&self.db, filter, page).await?;
        Ok((found.into_iter().map(|v| self.open_variable(v)).collect::<Result<_>>()?, total))
    }

    /// Keys of variables, sorted.
    pub(crate) async fn list_variable_keys(&self, prefix: Option<&str>, limit: i64, offset: i64) -> Result<(Vec<String>, i64)> {
        let mut filter = Filter::default();
        if let Some(prefix) = prefix {
            let length = filter.arg(prefix.chars().count());
            filter.with(&format!("substr(key, 1, CAST({length} AS INTEGER)) = {{}}"), prefix);
        }
        let (found, total) = variables::list(&self.db, filter, &Page { limit, offset, order: "key".into() }).await?;
        Ok((found.into_iter().map(|v| v.key).collect(), total))
    }

    /// A connection with its password in clear text.
    pub(crate) async fn get_connection(&self, conn_id: &str) -> Result<Option<Connection>> {
        connections::get(&self.db, conn_id).await?.map(|c| self.open_connection(c)).transpose()
    }

    fn open_connection(&self, mut connection: Connection) -> Result<Connection> {
        let place = format!("connection {}", connection.conn_id);
        for secret in [&mut connection.password, &mut connection.extra] {
            if let Some(sealed) = secret {
                *secret = Some(self.vault.open(&place, sealed)?);
            }
        }
        Ok(connection)
    }

    /// Sets a connection, given in clear text.
    pub(crate) async fn put_connection(&self, mut connection: Connection) -> Result<()> {
        let place = format!("connection {}", connection.conn_id);
        for secret in [&mut connection.password, &mut connection.extra] {
            if let Some(text) = secret {
                *secret = Some(self.vault.seal(&place, text, &self.cx.ids.secret())?);
            }
        }
        let mut tx = self.db.begin().await?;
        connections::put(&mut tx, &connection, self.cx.clock.now()).await?;
        tx.commit().await?;
        self.parser.setting_changed(format!("connection:{}", connection.conn_id));
        Ok(())
    }

    /// Removes a connection; returns whether there was one.
    pub(crate) async fn delete_connection(&self, conn_id: &str) -> Result<bool> {
        let mut tx = self.db.begin().await?;
        let found = connections::delete(&mut tx, conn_id).await?;
        tx.commit().await?;
        Ok(found)
    }

    /// Connections with passwords in clear text.
    pub(crate) async fn list_connections(&self, filter: Filter, page: &Page) -> Result<(Vec<Connection>, i64)> {
        let (found, total) = connections::list(&self.db, filter, page).await?;
        Ok((found.into_iter().map(|c| self.open_connection(c)).collect::<Result<_>>()?, total))
    }
}
