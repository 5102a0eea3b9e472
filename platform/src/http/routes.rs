//! The route list of a service. Everything about a route stands at its handler, in `#[utoipa::path]`: method, path,
//! what it takes and gives, and in `security(("artel" = ["scope"]))` the scope it needs (`"public"` for none).

use super::access;
use super::described::{Described, openapi_path};
use super::dialect::Dialect;
use super::gate::Gate;
use super::groups;
use super::hook::{Before, Hook};
use crate::error::Error;
use actix_web::body::BoxBody;
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{FromRequest, Handler, Responder, Route, guard, web};
use std::sync::Arc;
use utoipa::openapi::{HttpMethod, OpenApi};

/// Routes with parameters that are worth a scope of their own.
const MANY: usize = 20;

type Register = Arc<dyn Fn(&mut web::ServiceConfig, &str, Before) + Send + Sync>;

/// Puts shared state into an application.
type Mount = Arc<dyn Fn(&mut web::ServiceConfig) + Send + Sync>;

/// One route as others see it.
#[derive(Debug, Clone)]
pub struct RouteInfo {
    /// Its method.
    pub method: Method,
    /// Its path with `{parameters}`.
    pub path: String,
    /// The scope it needs.
    pub scope: String,
}

/// The routes of one service (or one API of it).
#[derive(Clone, Default)]
pub struct Routes {
    items: Vec<Item>,
    states: Vec<Mount>,
    openapi: OpenApi,
    absent: Vec<Absent>,
}

/// A part of an upstream's API that is not there.
#[derive(Clone)]
struct Absent {
    path: String,
    dialect: Dialect,
    why: Arc<str>,
}

#[derive(Clone)]
struct Item {
    info: RouteInfo,
    dialect: Dialect,
    register: Register,
    before: Before,
}

/// The flat route list: `routes!(Dialect::Mlflow; experiments::create, experiments::get)`.
#[macro_export]
macro_rules! routes {
    ($dialect:expr; $($module:ident :: $handler:ident),* $(,)?) => {{
        let mut routes = $crate::http::Routes::default();
        $( $crate::http::paste! { routes.add::<$module::[<__path_ $handler>], _, _>($dialect, $module::$handler); } )*
        routes
    }};
}

impl Routes {
    /// Adds a handler; `P` is what `#[utoipa::path]` made of it.
    ///
    /// # Panics
    /// When the handler names no scope: a defect that every start would show.
    pub fn add<P, F, Args>(&mut self, dialect: Dialect, handler: F)
    where
        P: utoipa::Path + utoipa::__dev::SchemaReferences,
        F: Handler<Args> + Send + Sync + Clone,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        // what the operation's bodies refer to, and what that refers to in turn
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        let described = Described { path: P::path(), methods: P::methods(), operation: P::operation(), schemas };
        self.add_described(dialect, described, Arc::new(move || web::route().to(handler.clone())));
    }

    /// The part that is the same for every handler.
    fn add_described(&mut self, dialect: Dialect, described: Described, route: Arc<dyn Fn() -> Route + Send + Sync>) {
        let (described, scope) = described.complete(dialect);
        let Described { path, methods, operation, schemas } = described;
        self.openapi.paths.add_path_operation(openapi_path(&path), methods.clone(), operation);
        self.openapi.components.get_or_insert_with(Default::default).schemas.extend(schemas);
        for method in methods {
            let method = actix_method(&method);
            let needed: Arc<str> = scope.as_str().into();
            let (verb, route) = (method.clone(), route.clone());
            let register: Register = Arc::new(move |config, at, before| {
                mount(config, at, verb.clone(), dialect, (needed.clone(), before), route());
            });
            let info = RouteInfo { method, path: path.clone(), scope: scope.clone() };
            self.items.push(Item { info, dialect, register, before: Before::default() });
        }
    }

    /// Shared state for the handlers, taken as `web::Data<T>`.
    pub fn state<T: Send + Sync + 'static>(mut self, state: Arc<T>) -> Self {
        self.states.push(Arc::new(move |config| {
            config.app_data(web::Data::from(state.clone()));
        }));
        self
    }

    /// Puts `gate` before every route of the list that is not public.
    pub fn gate(mut self, gate: &Arc<Gate>) -> Self {
        self.items.iter_mut().for_each(|item| item.before.gate = Some(gate.clone()));
        self
    }

    /// Calls before the handler of a route what `of` gives for it, once the caller may pass. Public routes have none.
    pub fn hook(mut self, of: impl Fn(&RouteInfo) -> Option<Hook>) -> Self {
        self.items.iter_mut().for_each(|item| item.before.hook = of(&item.info));
        self
    }

    /// Answers at `path` and everything below it that upstream has this and Artel does not, for the reason `why`.
    /// Routes that are there go first. A client then knows that it need not look for a mistake of its own.
    pub fn absent(mut self, dialect: Dialect, path: &str, why: &str) -> Self {
        self.absent.push(Absent { path: path.into(), dialect, why: why.into() });
        self
    }

    /// Adds another list.
    pub fn merge(mut self, other: Self) -> Self {
        self.absent.extend(other.absent);
        self.items.extend(other.items);
        self.states.extend(other.states);
        self.openapi.merge(other.openapi);
        self
    }

    /// The schemas of a service that no route names directly.
    pub fn schemas(mut self, openapi: OpenApi) -> Self {
        self.openapi.merge(openapi);
        self
    }

    /// Serves every route under `from…` also under `to…` (not in the OpenAPI document), e.g. MLflow's `/ajax-api`.
    pub fn mirror(mut self, from: &str, to: &str) -> Self {
        let copies: Vec<Item> = self
            .items
            .iter()
            .filter_map(|item| {
                let rest = item.info.path.strip_prefix(from)?;
                let mut copy = item.clone();
                copy.info.path = format!("{to}{rest}");
                Some(copy)
            })
            .collect();
        self.items.extend(copies);
        self
    }

    /// Serves the routes at exactly `path` also at `other` (not in the OpenAPI document), for clients that write it
    /// with a slash at the end or know it by another name. Both have the same parameters.
    pub fn also(mut self, path: &str, other: &str) -> Self {
        let mut copies: Vec<Item> = self.items.iter().filter(|item| item.info.path == path).cloned().collect();
        copies.iter_mut().for_each(|copy| copy.info.path = other.into());
        self.items.extend(copies);
        self
    }

    /// Mounts everything on an actix application, whose only list of routes this is: a request that is for a part of them is not
    /// for any other list.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        for state in &self.states {
            state(config);
        }
        // those without parameters go first, which is right also where both match
        let (patterns, fixed): (Vec<&Item>, Vec<&Item>) = self.items.iter().partition(|item| item.info.path.contains('{'));
        for item in fixed {
            (item.register)(config, &item.info.path, item.before.clone());
        }
        let absent: Vec<(String, &Absent)> =
            self.absent.iter().flat_map(|a| [(a.path.clone(), a), (format!("{}/{{rest:.*}}", a.path), a)]).collect();
        let methods = self.known_methods();
        let paths = patterns.iter().map(|item| item.info.path.as_str()).chain(absent.iter().map(|(path, _)| path.as_str()));
        let prefixes = groups::prefixes(paths, MANY);
        let mount = |config: &mut web::ServiceConfig, prefix: &str, is_here: &dyn Fn(&str) -> bool| {
            for item in patterns.iter().filter(|item| is_here(&item.info.path)) {
                (item.register)(config, &item.info.path[prefix.len()..], item.before.clone());
            }
            for (path, Absent { dialect, why, .. }) in absent.iter().filter(|(path, _)| is_here(path)) {
                let (dialect, why) = (*dialect, why.clone());
                let refuse = move || std::future::ready(dialect.render(&Error::unimplemented(&*why)));
                config.service(web::resource(&path[prefix.len()..]).to(refuse));
            }
            for (path, dialect, methods) in methods.iter().filter(|(path, ..)| is_here(path)) {
                let (dialect, allowed): (Dialect, Arc<str>) = (*dialect, methods.join(", ").into());
                config.service(web::resource(&path[prefix.len()..]).to(move || std::future::ready(dialect.method_not_allowed(&allowed))));
            }
        };
        for prefix in &prefixes {
            config.service(web::scope(prefix).configure(|config| mount(config, prefix, &|path| groups::is_within(path, prefix))));
        }
        mount(config, "", &|path| !prefixes.iter().any(|prefix| groups::is_within(path, prefix)));
    }

    /// The methods of each path of an API. Any other is 405 there, not 404; elsewhere the web app has its pages.
    fn known_methods(&self) -> Vec<(&str, Dialect, Vec<&str>)> {
        let mut known: Vec<(&str, Dialect, Vec<&str>)> = Vec::new();
        for Item { info, dialect, .. } in self.items.iter().filter(|item| item.info.path.contains("api/")) {
            match known.iter_mut().find(|(path, ..)| *path == info.path) {
                Some((.., methods)) => methods.push(info.method.as_str()),
                None => known.push((&info.path, *dialect, vec![info.method.as_str()])),
            }
        }
        known
    }

    /// What is served, for tests and the gateway.
    pub fn list(&self) -> Vec<RouteInfo> {
        self.items.iter().map(|i| i.info.clone()).collect()
    }

    /// The dialect of each path, for errors that no handler saw.
    pub fn dialects(&self) -> Vec<(String, Dialect)> {
        self.items.iter().map(|i| (i.info.path.clone(), i.dialect)).collect()
    }

    /// The same without their part of the document, which is large, and which who only serves them has no use for.
    pub fn without_document(mut self) -> Self {
        self.openapi = OpenApi::default();
        self
    }

    /// The OpenAPI document of these routes.
    pub fn openapi(&self) -> OpenApi {
        self.openapi.clone()
    }
}

/// Not generic, so that the layers around a handler are compiled once and not for each of hundreds.
fn mount(
    config: &mut web::ServiceConfig,
    path: &str,
    method: Method,
    dialect: Dialect,
    (scope, before): (Arc<str>, Before),
    route: actix_web::Route,
) {
    let check = move |request, next: Next<BoxBody>| access::check(request, next, dialect, scope.clone(), before.clone());
    config.service(web::resource(path).guard(guard::Method(method)).wrap(from_fn(check)).route(route));
}

fn actix_method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use crate::http::Dialect;

    #[derive(serde::Serialize, utoipa::ToSchema)]
    struct Inner {
        size: u32,
    }

    #[derive(serde::Serialize, utoipa::ToSchema)]
    struct Outer {
        parts: Vec<Inner>,
    }

    mod things {
        use super::{Inner, Outer};

        /// A thing
        #[utoipa::path(get, path = "/thing/{name}/{rest:.*}", params(("name" = u32, Path)), responses((status = 200, body = Outer)), security(("artel" = ["public"])))]
        pub(super) async fn get() -> actix_web::web::Json<Outer> {
            actix_web::web::Json(Outer { parts: vec![Inner { size: 1 }] })
        }
    }

    #[test]
    fn the_document_has_every_schema_that_a_route_refers_to() {
        let document = crate::routes!(Dialect::Artel; things::get).openapi();
        let schemas = document.components.expect("there are schemas").schemas;
        assert_eq!(schemas.keys().collect::<Vec<_>>(), ["Inner", "Outer"]);
    }

    #[test]
    fn the_document_has_every_parameter_of_a_path_once() {
        let document = serde_json::to_value(crate::routes!(Dialect::Artel; things::get).openapi()).expect("json");
        let parameters = document["paths"]["/thing/{name}/{rest}"]["get"]["parameters"].as_array().expect("parameters");
        let named: Vec<_> =
            parameters.iter().map(|p| (p["name"].as_str().unwrap_or_default(), p["schema"]["type"].as_str().unwrap_or_default())).collect();
        assert_eq!(named, [("name", "integer"), ("rest", "string")]);
    }

    #[actix_web::test]
    async fn what_is_not_there_is_told_from_what_is_asked_wrongly() {
        mod api {
            /// A thing
            #[utoipa::path(get, path = "/api/x/{name}", responses((status = 200)), security(("artel" = ["public"])))]
            pub(super) async fn get() -> &'static str {
                "here"
            }
        }
        let routes = crate::routes!(Dialect::Mlflow; api::get).absent(Dialect::Mlflow, "/api/y", "y is not served");
        let app = actix_web::test::init_service(actix_web::App::new().configure(|config| routes.configure(config))).await;
        let call = async |request: actix_web::test::TestRequest| actix_web::test::call_service(&app, request.to_request()).await;
        use actix_web::test::TestRequest;
        assert_eq!(call(TestRequest::get().uri("/api/x/1")).await.status(), 200);
        let refused = call(TestRequest::delete().uri("/api/x/1")).await;
        let allowed = refused.headers().get("allow").and_then(|v| v.to_str().ok());
        assert_eq!((refused.status().as_u16(), allowed), (405, Some("GET")));
        for path in ["/api/y", "/api/y/", "/api/y/z/1"] {
            assert_eq!(call(TestRequest::post().uri(path)).await.status(), 501, "{path}");
        }
        assert_eq!(call(TestRequest::get().uri("/api/yes")).await.status(), 404);
    }

    #[test]
    fn the_document_has_the_failures_that_every_route_may_answer_with() {
        let document = serde_json::to_value(crate::routes!(Dialect::Mlflow; things::get).openapi()).expect("json");
        let responses = document["paths"]["/thing/{name}/{rest}"]["get"]["responses"].as_object().expect("responses");
        // the thing is public: nobody is refused
        assert_eq!(responses.keys().collect::<Vec<_>>(), ["200", "400", "404"]);
    }
}
