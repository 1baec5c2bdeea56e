//! The resources in memory.
//!
//! Invariant: readers see a whole snapshot; writers go one after another through `change`.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use serde::Serialize;

use super::model::{Connector, DataSource, Pipe, Reading, Shared, Tag, Variable, Workspace};
use super::{ProjectError, Result};
use crate::store::{Store, timestamp};
use crate::template::Template;
use crate::tokens::{Access, Claims, Scope, Token, new_uuid};

/// All resources at one instant; by name, tokens by id.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Data sources by name.
    pub data_sources: BTreeMap<String, Arc<DataSource>>,
    /// Pipes by name.
    pub pipes: BTreeMap<String, Arc<Pipe>>,
    /// Tokens by id.
    pub tokens: BTreeMap<String, Arc<Token>>,
    /// Tags by name.
    pub tags: BTreeMap<String, Arc<Tag>>,
    /// Variables by name.
    pub variables: BTreeMap<String, Arc<Variable>>,
    /// Connectors by id.
    pub connectors: BTreeMap<String, Arc<Connector>>,
    /// The workspace itself.
    pub workspace: Arc<Workspace>,
    /// What other workspaces share with it, by id of the data source.
    pub shared: BTreeMap<String, Arc<Shared>>,
}

impl Snapshot {
    /// The data source of that name or id.
    pub fn data_source(&self, key: &str) -> Option<&Arc<DataSource>> {
        self.data_sources
            .get(key)
            .or_else(|| self.data_sources.values().find(|d| d.id == key))
    }

    /// The pipe of that name or id.
    pub fn pipe(&self, key: &str) -> Option<&Arc<Pipe>> {
        self.pipes
            .get(key)
            .or_else(|| self.pipes.values().find(|p| p.id == key))
    }

    /// The token of that name, id or text.
    pub fn token(&self, key: &str) -> Option<&Arc<Token>> {
        self.tokens
            .get(key)
            .or_else(|| self.tokens.values().find(|t| t.name == key))
            .or_else(|| self.tokens.values().find(|t| t.token == key))
    }

    /// Names of the secrets templates may read.
    pub fn secret_names(&self) -> Vec<String> {
        self.variables.keys().cloned().collect()
    }
}

/// A workspace and its resources.
pub struct Project {
    /// The database.
    pub store: Store,
    state: RwLock<Arc<Snapshot>>,
    writers: Mutex<()>,
    templates: Mutex<BTreeMap<String, Arc<Template>>>,
    /// How the reading of streams goes, by id of the data source.
    pub reading: Mutex<BTreeMap<String, Reading>>,
    /// Tables that texts of nodes read.
    pub(super) dependencies: Mutex<BTreeMap<String, Arc<Vec<String>>>>,
}

/// Name of the token that may do everything.
const ADMIN_TOKEN: &str = "workspace admin token";
/// Name of the token that may make and fill data sources.
const CREATE_TOKEN: &str = "create datasource token";

/// Texts whose parsed form is kept.
pub(super) const TEXTS_MAX: usize = 4096;

impl Project {
    /// Loads the workspace from the store, or makes it with its usual tokens.
    pub fn open(store: Store, name: &str) -> Result<Project> {
        let workspace = match store.load::<Workspace>("workspace").pop() {
            Some(workspace) => workspace,
            None => {
                return Project::create(
                    store,
                    Workspace {
                        id: new_uuid(),
                        name: name.to_owned(),
                        user_id: new_uuid(),
                        user_email: "me@localhost".to_owned(),
                        created_at: timestamp(),
                        ..Workspace::default()
                    },
                );
            }
        };
        Project::load(store, workspace)
    }

    /// Makes a workspace with its usual tokens.
    pub fn create(store: Store, workspace: Workspace) -> Result<Project> {
        let database = store.data();
        store.execute(&format!("CREATE DATABASE IF NOT EXISTS {database}"))?;
        store.save("workspace", "0", Some(&workspace))?;
        Project::load(store, workspace)
    }

    fn load(store: Store, workspace: Workspace) -> Result<Project> {
        let by_name = |d: Vec<DataSource>| d.into_iter().map(|d| (d.name.clone(), Arc::new(d)));
        let pipes: Vec<Pipe> = store.load("pipe");
        let tokens: Vec<Token> = store.load("token");
        let tags: Vec<Tag> = store.load("tag");
        let variables: Vec<Variable> = store.load("variable");
        let connectors: Vec<Connector> = store.load("connector");
        let shared: Vec<Shared> = store.load("shared");
        let state = Snapshot {
            data_sources: by_name(store.load("datasource")).collect(),
            pipes: pipes
                .into_iter()
                .map(|p| (p.name.clone(), Arc::new(p)))
                .collect(),
            tokens: tokens
                .into_iter()
                .map(|t| (t.id.clone(), Arc::new(t)))
                .collect(),
            tags: tags
                .into_iter()
                .map(|t| (t.name.clone(), Arc::new(t)))
                .collect(),
            variables: variables
                .into_iter()
                .map(|v| (v.name.clone(), Arc::new(v)))
                .collect(),
            connectors: connectors
                .into_iter()
                .map(|c| (c.id.clone(), Arc::new(c)))
                .collect(),
            workspace: Arc::new(workspace),
            shared: shared
                .into_iter()
                .map(|s| (s.id.clone(), Arc::new(s)))
                .collect(),
        };
        let project = Project {
            store,
            state: RwLock::new(Arc::new(state)),
            writers: Mutex::new(()),
            templates: Mutex::default(),
            reading: Mutex::default(),
            dependencies: Mutex::default(),
        };
        project.make_usual_tokens()?;
        super::service::create_service_tables(&project.store)?;
        super::ingest::sweep(&project.store)?;
        super::build::sweep(&project.store)?;
        project.store.release_all_cursors()?;
        project.forget_readers()?;
        Ok(project)
    }

    fn make_usual_tokens(&self) -> Result<()> {
        let admin_name = format!("admin {}", self.workspace().user_email);
        let usual = [
            (ADMIN_TOKEN, Scope::plain("ADMIN")),
            (&admin_name, Scope::plain("ADMIN")),
            (CREATE_TOKEN, Scope::plain("DATASOURCES:CREATE")),
        ];
        for (name, scope) in usual {
            if self.snapshot().token(name).is_none() {
                self.put_token(Token::new(name, vec![scope], timestamp()))?;
            }
        }
        Ok(())
    }

    /// The workspace.
    pub fn workspace(&self) -> Arc<Workspace> {
        Arc::clone(&self.state.read().workspace)
    }

    /// Whether a token's text is one of the workspace's, or a JWT that says it is.
    pub fn knows_token(&self, text: &str) -> bool {
        let state = self.state.read();
        match Claims::workspace_of(text) {
            Some(id) => id == state.workspace.id,
            None => state.tokens.values().any(|t| t.token == text),
        }
    }

    /// All resources now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.state.read())
    }

    /// Runs `change` alone; what it stores is durable before it is shown.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Snapshot, &Store) -> Result<T>,
    ) -> Result<T> {
        let _alone = self.writers.lock();
        let mut next = Snapshot::clone(&self.snapshot());
        let out = change(&mut next, &self.store)?;
        *self.state.write() = Arc::new(next);
        Ok(out)
    }

    /// The parsed template of `sql` (without its `%`).
    pub fn template(
        &self,
        sql: &str,
    ) -> std::result::Result<Arc<Template>, crate::template::TemplateError> {
        if let Some(known) = self.templates.lock().get(sql) {
            return Ok(Arc::clone(known));
        }
        let template = Arc::new(Template::parse(sql)?);
        let mut templates = self.templates.lock();
        if templates.len() >= TEXTS_MAX {
            templates.clear();
        }
        templates.insert(sql.to_owned(), Arc::clone(&template));
        Ok(template)
    }

    /// The token that may do everything: its text also signs JWTs.
    pub fn admin_token(&self) -> String {
        let state = self.snapshot();
        state
            .token(ADMIN_TOKEN)
            .map(|t| t.token.clone())
            .unwrap_or_default()
    }

    /// The user's own token.
    pub fn user_token(&self) -> String {
        let state = self.snapshot();
        let name = format!("admin {}", state.workspace.user_email);
        state
            .token(&name)
            .map(|t| t.token.clone())
            .unwrap_or_default()
    }

    /// The rights of a token's text.
    pub fn access(&self, text: &str) -> Result<Access> {
        let refuse = |why: String| Err(ProjectError::Forbidden(why));
        if text.is_empty() {
            return refuse("Invalid token: none was given".to_owned());
        }
        if Claims::looks_like_jwt(text) {
            let now = crate::store::now_micros() / 1_000_000;
            return match Claims::verify(text, &self.admin_token(), now) {
                Ok(claims) if claims.workspace_id == self.workspace().id => {
                    Ok(Access::of_claims(&claims))
                }
                Ok(_) => refuse("Invalid token: it is of another workspace".to_owned()),
                Err(e) => refuse(format!("Invalid token: {e}")),
            };
        }
        let state = self.snapshot();
        match state.tokens.values().find(|t| t.token == text) {
            Some(token) => Ok(Access::of_token(token)),
            None => refuse("Invalid token".to_owned()),
        }
    }

    /// Stores a token, new or changed.
    pub fn put_token(&self, token: Token) -> Result<Arc<Token>> {
        self.change(|state, store| {
            let same_name = state.tokens.values().find(|t| t.name == token.name);
            if same_name.is_some_and(|t| t.id != token.id) {
                return Err(ProjectError::Conflict(format!(
                    "Token \"{}\" already exists",
                    token.name
                )));
            }
            put(store, "token", &token.id, &token)?;
            let token = Arc::new(token);
            state.tokens.insert(token.id.clone(), Arc::clone(&token));
            Ok(token)
        })
    }

    /// Removes the token of that name, id or text.
    pub fn drop_token(&self, key: &str) -> Result<()> {
        self.change(|state, store| {
            let id = state.token(key).map(|t| t.id.clone());
            let id = id
                .ok_or_else(|| ProjectError::NotFound(format!("Token \"{key}\" does not exist")))?;
            store.save::<Token>("token", &id, None)?;
            state.tokens.remove(&id);
            Ok(())
        })
    }

    /// Stores a tag, new or changed.
    pub fn put_tag(&self, mut tag: Tag) -> Result<Arc<Tag>> {
        self.change(|state, store| {
            for resource in &mut tag.resources {
                complete(resource, state);
            }
            put(store, "tag", &tag.name, &tag)?;
            let tag = Arc::new(tag);
            state.tags.insert(tag.name.clone(), Arc::clone(&tag));
            Ok(tag)
        })
    }

    /// Removes a tag.
    pub fn drop_tag(&self, name: &str) -> Result<()> {
        self.change(|state, store| {
            if state.tags.remove(name).is_none() {
                return Err(ProjectError::NotFound(format!(
                    "Tag \"{name}\" does not exist"
                )));
            }
            Ok(store.save::<Tag>("tag", name, None)?)
        })
    }

    /// Stores a variable, new or changed.
    pub fn put_variable(&self, variable: Variable) -> Result<Arc<Variable>> {
        self.change(|state, store| {
            put(store, "variable", &variable.name, &variable)?;
            let variable = Arc::new(variable);
            let name = variable.name.clone();
            state.variables.insert(name, Arc::clone(&variable));
            Ok(variable)
        })
    }

    /// Removes a variable.
    pub fn drop_variable(&self, name: &str) -> Result<()> {
        self.change(|state, store| {
            if state.variables.remove(name).is_none() {
                return Err(ProjectError::NotFound(format!(
                    "Variable \"{name}\" does not exist"
                )));
            }
            Ok(store.save::<Variable>("variable", name, None)?)
        })
    }

    /// Stores a connector, new or changed.
    pub fn put_connector(&self, connector: Connector) -> Result<Arc<Connector>> {
        self.change(|state, store| {
            put(store, "connector", &connector.id, &connector)?;
            let connector = Arc::new(connector);
            let id = connector.id.clone();
            state.connectors.insert(id, Arc::clone(&connector));
            Ok(connector)
        })
    }

    /// Removes the connector of that id or name.
    pub fn drop_connector(&self, key: &str) -> Result<()> {
        self.change(|state, store| {
            let found = state
                .connectors
                .values()
                .find(|c| c.id == key || c.name == key);
            let id = found.map(|c| c.id.clone()).ok_or_else(|| {
                ProjectError::NotFound(format!("Connector \"{key}\" does not exist"))
            })?;
            state.connectors.remove(&id);
            Ok(store.save::<Connector>("connector", &id, None)?)
        })
    }
}

/// Stores a resource.
pub(super) fn put<T: Serialize>(store: &Store, kind: &str, id: &str, resource: &T) -> Result<()> {
    Ok(store.save(kind, id, Some(resource))?)
}

/// Fills in what a tag's resource lacks.
fn complete(resource: &mut super::model::TagResource, state: &Snapshot) {
    let key = if resource.name.is_empty() {
        resource.id.clone()
    } else {
        resource.name.clone()
    };
    if let Some(d) = state.data_source(&key) {
        (resource.id, resource.name) = (d.id.clone(), d.name.clone());
        resource.kind = "datasource".to_owned();
    } else if let Some(p) = state.pipe(&key) {
        (resource.id, resource.name) = (p.id.clone(), p.name.clone());
        resource.kind = "pipe".to_owned();
    }
}
