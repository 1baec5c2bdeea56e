//! Members of a workspace, and data sources that workspaces share with each other.
//!
//! Invariant: a data source is shared for as long as both workspaces have it in their list; each list
//! is durable before the other is touched, and a reader needs the receiver's.

use std::sync::Arc;

use super::model::{DataSource, Member, Shared, Workspace};
use super::state::{Project, put};
use super::{ProjectError, Result};
use crate::store::timestamp;
use crate::tokens::{Scope, Token, new_uuid};

/// What members of a workspace may be.
const ROLES: [&str; 3] = ["admin", "guest", "viewer"];

impl Project {
    /// Changes the workspace's own record.
    pub fn update_workspace(
        &self,
        update: impl FnOnce(&mut Workspace) -> Result<()>,
    ) -> Result<Arc<Workspace>> {
        self.change(|state, store| {
            let mut next = Workspace::clone(&state.workspace);
            update(&mut next)?;
            store.save("workspace", "0", Some(&next))?;
            state.workspace = Arc::new(next);
            Ok(Arc::clone(&state.workspace))
        })
    }

    /// Adds somebody, with a token of their own, or changes their role.
    pub fn put_member(&self, email: &str, role: &str) -> Result<()> {
        if !ROLES.contains(&role) {
            return Err(ProjectError::Bad(format!(
                "Unknown role '{role}'; known are {}",
                ROLES.join(", ")
            )));
        }
        if !email.contains('@') {
            return Err(ProjectError::Bad(format!("'{email}' is no mail address")));
        }
        if email == self.workspace().user_email {
            return Err(ProjectError::Bad(format!(
                "{email} made the workspace and stays its admin"
            )));
        }
        self.update_workspace(|workspace| {
            workspace.members.retain(|m| m.email != email);
            workspace.members.push(Member {
                id: new_uuid(),
                email: email.to_owned(),
                role: role.to_owned(),
            });
            Ok(())
        })?;
        let scope = match role {
            "viewer" => "WORKSPACE:READ_ALL",
            _ => "ADMIN",
        };
        let (name, scopes) = (token_of(email), vec![Scope::plain(scope)]);
        let known = self.snapshot().token(&name).map(|t| Token::clone(t));
        let token = match known {
            Some(mut token) => {
                token.set_scopes(scopes);
                token
            }
            None => Token::new(&name, scopes, timestamp()),
        };
        self.put_token(token).map(|_| ())
    }

    /// Removes somebody and their token.
    pub fn drop_member(&self, email: &str) -> Result<()> {
        self.update_workspace(|workspace| {
            let before = workspace.members.len();
            workspace.members.retain(|m| m.email != email);
            match before == workspace.members.len() {
                true => Err(ProjectError::NotFound(format!(
                    "{email} is no member of the workspace"
                ))),
                false => Ok(()),
            }
        })?;
        match self.drop_token(&token_of(email)) {
            Err(ProjectError::NotFound(_)) => Ok(()),
            other => other,
        }
    }

    /// Notes with whom a data source is shared.
    pub fn share(&self, key: &str, workspace_id: &str, is_shared: bool) -> Result<Arc<DataSource>> {
        self.update_data_source(key, |source| {
            source.shared_with.retain(|w| w != workspace_id);
            if is_shared {
                source.shared_with.push(workspace_id.to_owned());
            }
        })
    }

    /// Lets the workspace read a data source of another one.
    pub fn accept(&self, shared: Shared) -> Result<()> {
        self.change(|state, store| {
            put(store, "shared", &shared.id, &shared)?;
            state.shared.insert(shared.id.clone(), Arc::new(shared));
            Ok(())
        })
    }

    /// The data source of another workspace is not shared any more.
    pub fn give_up(&self, id: &str) -> Result<()> {
        self.change(|state, store| {
            store.save::<Shared>("shared", id, None)?;
            state.shared.remove(id);
            Ok(())
        })
    }

    /// A workspace is gone: nothing is shared with it, nothing comes from it.
    pub fn forget_workspace(&self, id: &str) -> Result<()> {
        let state = self.snapshot();
        for shared in state.shared.values().filter(|s| s.workspace_id == id) {
            self.give_up(&shared.id)?;
        }
        let holds = |d: &&Arc<DataSource>| d.shared_with.iter().any(|w| w == id);
        for source in state.data_sources.values().filter(holds) {
            self.share(&source.name, id, false)?;
        }
        Ok(())
    }
}

fn token_of(email: &str) -> String {
    format!("admin {email}")
}
