import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { createUser, defaultServer, deleteUser, serverState, usersQuery, type User } from "../api/hub";
import { meQuery } from "../api/me";
import { t } from "../i18n";
import { Button, CheckBox, Field, IconButton } from "../ui/controls";
import { Loaded } from "../ui/loaded";
import { ConfirmName, FormDialog } from "../ui/overlay";
import { Page } from "../ui/page";
import { State } from "../ui/status";
import { Table, type Column } from "../ui/table";
import { Ago } from "../ui/time";

const PASSWORD = 8;

export function Users() {
  const client = useQueryClient();
  const { data: me } = useQuery(meQuery);
  const users = useQuery(usersQuery);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState("");
  const refetch = (): Promise<void> => client.invalidateQueries({ queryKey: ["users"] });
  const columns: Column<User>[] = [
    { key: "name", title: t("users.name"), className: "name", cell: (user) => user.name },
    { key: "role", title: t("users.role"), cell: (user) => t(user.admin ? "users.admin" : "users.user") },
    { key: "server", title: t("users.server"), cell: (user) => <State state={serverState(defaultServer(user))} /> },
    { key: "created", title: t("column.created"), cell: (user) => <Ago time={user.created} /> },
    { key: "active", title: t("notebooks.active"), cell: (user) => <Ago time={user.last_activity} /> },
    {
      key: "remove", title: <span className="visually-hidden">{t("column.actions")}</span>, className: "actions",
      cell: (user) => (
        <IconButton icon="trash" label={t("users.remove", { name: user.name })} unusable={user.name === me?.name ? t("users.notYourself") : undefined}
          onClick={() => setRemoving(user.name)} />
      ),
    },
  ];
  return (
    <Page title={t("nav.users")} actions={<Button variant="primary" icon="plus" onClick={() => setAdding(true)}>{t("users.add")}</Button>}>
      <Loaded query={users} what={t("error.users")}>
        {(found) => <Table label={t("nav.users")} columns={columns} rows={found} rowKey={(user) => user.name} />}
      </Loaded>
      <AddUser open={adding} onClose={() => setAdding(false)} onAdded={refetch} />
      <ConfirmName title={t("users.remove", { name: removing })} name={removing} text={t("users.removeText", { name: removing })} open={removing !== ""}
        onClose={() => setRemoving("")} submitLabel={t("action.delete")} submit={async () => {
          await deleteUser(removing);
          await refetch();
        }} />
    </Page>
  );
}

function AddUser({ open, onClose, onAdded }: { open: boolean; onClose: () => void; onAdded: () => Promise<void> }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [admin, setAdmin] = useState(false);
  const close = (): void => {
    setName("");
    setPassword("");
    setAdmin(false);
    onClose();
  };
  return (
    <FormDialog title={t("users.add")} open={open} onClose={close} submitLabel={t("users.add")} ready={name.trim() !== "" && password.length >= PASSWORD}
      submit={async () => {
        await createUser(name.trim(), password, admin);
        await onAdded();
      }}>
      <Field label={t("users.name")}>
        {(attributes) => <input {...attributes} className="input" name="new-name" value={name} autoComplete="off" autoCapitalize="none" spellCheck={false} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label={t("login.password")} hint={t("users.passwordHint", { count: PASSWORD })}>
        {(attributes) => <input {...attributes} className="input" name="new-password" type="password" value={password} autoComplete="new-password" onChange={(event) => setPassword(event.target.value)} />}
      </Field>
      <CheckBox label={t("users.makeAdmin")} checked={admin} onChange={setAdmin} />
    </FormDialog>
  );
}
