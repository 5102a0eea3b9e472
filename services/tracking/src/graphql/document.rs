//! One GraphQL request: its parts, the limits on its size, and which fields it asks of a value.

use super::schema::{Kind, MUTATION, QUERY, Type};
use artel_platform::{Error, Result};
use graphql_parser::query::{
    Definition, Directive, Document, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet, Value as Literal,
    VariableDefinition, parse_query,
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet};

type Set = SelectionSet<'static, String>;
type Asked = Field<'static, String>;

/// Upstream's limits (mlflow/server/graphql/graphql_no_batching.py).
const MAX_DEPTH: usize = 10;
const MAX_SELECTIONS: usize = 1000;
const MAX_ROOT_FIELDS: usize = 10;
const MAX_ALIASES: usize = 10;

/// A request that may be answered: it keeps the limits, and asks only for what there is.
pub(crate) struct Request {
    fragments: HashMap<String, FragmentDefinition<'static, String>>,
    /// `QUERY` or `MUTATION`.
    pub(crate) root: &'static Type,
    pub(crate) selected: Set,
    variables: Map<String, Value>,
}

/// A field that is asked for, under the name that the answer has it: once, or several times with parts that add up.
pub(crate) struct Selected<'a> {
    pub(crate) key: &'a str,
    pub(crate) field: &'a Asked,
    pub(crate) inside: Vec<&'a Set>,
}

impl Request {
    /// Reads a request; the error says what is wrong with it.
    pub(crate) fn read(query: &str, operation: Option<&str>, mut variables: Map<String, Value>) -> Result<Self> {
        let document: Document<'static, String> =
            parse_query::<String>(query).map_err(|e| Error::invalid(format!("Syntax Error: {e}")))?.into_static();
        let (mut fragments, mut operations) = (HashMap::new(), Vec::new());
        for definition in document.definitions {
            match definition {
                Definition::Fragment(fragment) => drop(fragments.insert(fragment.name.clone(), fragment)),
                Definition::Operation(operation) => operations.push(Operation::from(operation)),
            }
        }
        keep_limits(operations.iter().map(|o| &o.selected), &fragments)?;
        let chosen = match operation.filter(|name| !name.is_empty()) {
            Some(name) => operations
                .into_iter()
                .find(|o| o.name.as_deref() == Some(name))
                .ok_or_else(|| Error::invalid(format!("Unknown operation named '{name}'.")))?,
            None if operations.len() > 1 => {
                return Err(Error::invalid("Must provide operation name if query contains multiple operations."));
            }
            None => operations.pop().ok_or_else(|| Error::invalid("Must provide an operation."))?,
        };
        for definition in chosen.variables {
            if let (Some(default), false) = (definition.default_value, variables.contains_key(&definition.name)) {
                variables.insert(definition.name, literal(&default, &Map::new()));
            }
        }
        let request = Self { fragments, root: chosen.root, selected: chosen.selected, variables };
        request.check(request.root, &request.selected, &mut Vec::new())?;
        Ok(request)
    }

    /// The fields that these parts of a request ask of one object, in the order of their first mention.
    pub(crate) fn select<'a>(&'a self, of: &Type, sets: &[&'a Set]) -> Vec<Selected<'a>> {
        let mut found = Vec::new();
        let mut visited = HashSet::new();
        sets.iter().for_each(|set| self.gather(of, set, &mut found, &mut visited));
        found
    }

    fn gather<'a>(&'a self, of: &Type, set: &'a Set, found: &mut Vec<Selected<'a>>, visited: &mut HashSet<&'a str>) {
        for item in &set.items {
            match item {
                Selection::Field(field) if self.included(&field.directives) => {
                    let key = field.alias.as_deref().unwrap_or(&field.name);
                    match found.iter_mut().find(|f| f.key == key) {
                        Some(earlier) => earlier.inside.push(&field.selection_set),
                        None => found.push(Selected { key, field, inside: vec![&field.selection_set] }),
                    }
                }
                Selection::InlineFragment(part) if self.included(&part.directives) && applies(&part.type_condition, of) => {
                    self.gather(of, &part.selection_set, found, visited);
                }
                Selection::FragmentSpread(spread) if self.included(&spread.directives) && visited.insert(&spread.fragment_name) => {
                    if let Some(fragment) = self.fragments.get(&spread.fragment_name)
                        && applies(&Some(fragment.type_condition.clone()), of)
                    {
                        self.gather(of, &fragment.selection_set, found, visited);
                    }
                }
                _ => {}
            }
        }
    }

    /// `@skip(if:)` and `@include(if:)`.
    fn included(&self, directives: &[Directive<'static, String>]) -> bool {
        directives.iter().all(|directive| {
            let given = directive.arguments.iter().find(|(name, _)| name == "if");
            let given = given.is_some_and(|(_, value)| literal(value, &self.variables) == Value::Bool(true));
            match directive.name.as_str() {
                "skip" => !given,
                "include" => given,
                _ => true,
            }
        })
    }

    /// An argument of a field, as JSON.
    pub(crate) fn argument(&self, field: &Asked, name: &str) -> Value {
        let given = field.arguments.iter().find(|(argument, _)| argument == name);
        given.map_or(Value::Null, |(_, value)| literal(value, &self.variables))
    }

    /// Every field exists, objects are asked for their fields and values are not.
    fn check<'a>(&'a self, of: &Type, set: &'a Set, path: &mut Vec<&'a str>) -> Result<()> {
        for item in &set.items {
            match item {
                Selection::Field(field) if field.name == "__typename" => {}
                Selection::Field(field) => {
                    let unknown = || Error::invalid(format!("Cannot query field '{}' on type '{}'.", field.name, of.name));
                    let kind = of.field(&field.name).ok_or_else(unknown)?;
                    self.check_inside(&field.name, kind, &field.selection_set, path)?;
                }
                Selection::InlineFragment(part) => self.check(of, &part.selection_set, path)?,
                Selection::FragmentSpread(spread) => {
                    let name = spread.fragment_name.as_str();
                    let unknown = || Error::invalid(format!("Unknown fragment '{name}'."));
                    let fragment = self.fragments.get(name).ok_or_else(unknown)?;
                    if path.contains(&name) {
                        return Err(Error::invalid(format!("Cannot spread fragment '{name}' within itself.")));
                    }
                    if applies(&Some(fragment.type_condition.clone()), of) {
                        path.push(name);
                        self.check(of, &fragment.selection_set, path)?;
                        path.pop();
                    }
                }
            }
        }
        Ok(())
    }

    fn check_inside<'a>(&'a self, name: &str, kind: Kind, set: &'a Set, path: &mut Vec<&'a str>) -> Result<()> {
        match (kind.object(), set.items.is_empty()) {
            (Some(inner), false) => self.check(inner, set, path),
            (Some(inner), true) => {
                Err(Error::invalid(format!("Field '{name}' of type '{}' must have a selection of subfields.", inner.name)))
            }
            (None, false) => Err(Error::invalid(format!("Field '{name}' must not have a selection since it has no subfields."))),
            (None, true) => Ok(()),
        }
    }
}

fn applies(condition: &Option<graphql_parser::query::TypeCondition<'static, String>>, of: &Type) -> bool {
    match condition {
        None => true,
        Some(graphql_parser::query::TypeCondition::On(name)) => name == of.name,
    }
}

/// A query or mutation.
struct Operation {
    name: Option<String>,
    root: &'static Type,
    variables: Vec<VariableDefinition<'static, String>>,
    selected: Set,
}

impl From<OperationDefinition<'static, String>> for Operation {
    fn from(definition: OperationDefinition<'static, String>) -> Self {
        match definition {
            OperationDefinition::SelectionSet(selected) => Self { name: None, root: &QUERY, variables: Vec::new(), selected },
            OperationDefinition::Query(q) => {
                Self { name: q.name, root: &QUERY, variables: q.variable_definitions, selected: q.selection_set }
            }
            OperationDefinition::Mutation(m) => {
                Self { name: m.name, root: &MUTATION, variables: m.variable_definitions, selected: m.selection_set }
            }
            OperationDefinition::Subscription(s) => {
                static NONE: Type = Type { name: "Subscription", fields: &[] };
                Self { name: s.name, root: &NONE, variables: s.variable_definitions, selected: s.selection_set }
            }
        }
    }
}

/// A value of the request as JSON.
fn literal(value: &Literal<'static, String>, variables: &Map<String, Value>) -> Value {
    match value {
        Literal::Variable(name) => variables.get(name).cloned().unwrap_or(Value::Null),
        Literal::Int(number) => number.as_i64().map_or(Value::Null, Value::from),
        Literal::Float(number) => Value::from(*number),
        Literal::String(text) | Literal::Enum(text) => Value::from(text.as_str()),
        Literal::Boolean(truth) => Value::from(*truth),
        Literal::Null => Value::Null,
        Literal::List(items) => items.iter().map(|item| literal(item, variables)).collect(),
        Literal::Object(fields) => object(fields, variables),
    }
}

fn object(fields: &BTreeMap<String, Literal<'static, String>>, variables: &Map<String, Value>) -> Value {
    fields.iter().map(|(name, value)| (name.clone(), literal(value, variables))).collect()
}

/// A request is one question, not a batch of them.
fn keep_limits<'a>(
    operations: impl Iterator<Item = &'a Set>,
    fragments: &'a HashMap<String, FragmentDefinition<'static, String>>,
) -> Result<()> {
    let (mut roots, mut most_aliases, mut total) = (0, 0, 0);
    for selected in operations {
        let mut left = vec![(selected, 1)];
        while let Some((set, depth)) = left.pop() {
            if depth > MAX_DEPTH {
                return Err(Error::invalid(format!("Query exceeds maximum depth of {MAX_DEPTH}")));
            }
            let fields = fields_of_level(set, fragments);
            total += fields.len();
            if total > MAX_SELECTIONS {
                return Err(Error::invalid(format!("Query exceeds maximum total selections of {MAX_SELECTIONS}")));
            }
            roots += if depth == 1 { fields.len() } else { 0 };
            most_aliases = most_aliases.max(fields.iter().filter(|f| f.alias.is_some()).count());
            left.extend(fields.into_iter().filter(|f| !f.selection_set.items.is_empty()).map(|f| (&f.selection_set, depth + 1)));
        }
    }
    for (what, most, count) in [("root fields", MAX_ROOT_FIELDS, roots), ("aliases", MAX_ALIASES, most_aliases)] {
        if count > most {
            return Err(Error::invalid(format!("GraphQL queries should have at most {most} {what}, got {count} {what}.")));
        }
    }
    Ok(())
}

/// The fields of one level, those in fragments among them.
fn fields_of_level<'a>(set: &'a Set, fragments: &'a HashMap<String, FragmentDefinition<'static, String>>) -> Vec<&'a Asked> {
    let (mut fields, mut visited, mut left) = (Vec::new(), HashSet::new(), vec![set]);
    while let Some(set) = left.pop() {
        for item in &set.items {
            match item {
                Selection::Field(field) => fields.push(field),
                Selection::InlineFragment(part) => left.push(&part.selection_set),
                Selection::FragmentSpread(spread) if visited.insert(&spread.fragment_name) => {
                    left.extend(fragments.get(&spread.fragment_name).map(|f| &f.selection_set));
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    fields
}
