import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { deleteAlias, setAlias } from "../../api/registry";
import { t } from "../../i18n";
import { Field, IconButton } from "../../ui/controls";
import { Icon } from "../../ui/icons";
import { ErrorLine } from "../../ui/loaded";
import { FormDialog } from "../../ui/overlay";

export function AliasChip({ alias, version, onRemove }: { alias: string; version?: string; onRemove?: () => void }) {
  return (
    <span className="chip alias">
      @{alias}{version && <span className="muted num">v{version}</span>}
      {onRemove && <button type="button" aria-label={t("models.removeAlias", { alias })} title={t("models.removeAlias", { alias })} onClick={onRemove}><Icon name="close" /></button>}
    </span>
  );
}

/** A version's aliases, with what is needed to change them. */
export function Aliases({ model, version, aliases }: { model: string; version: string; aliases: readonly string[] }) {
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [alias, setName] = useState("");
  const refetch = (): Promise<void> => client.invalidateQueries({ predicate: (query) => query.meta?.key === model });
  const remove = useMutation({ mutationFn: (name: string) => deleteAlias(model, name), onSettled: refetch });
  const close = (): void => {
    setAdding(false);
    setName("");
  };
  return (
    <span className="row wrap">
      {aliases.map((name) => <AliasChip key={name} alias={name} onRemove={() => remove.mutate(name)} />)}
      <IconButton icon="plus" label={t("models.addAlias", { version })} onClick={() => setAdding(true)} />
      <ErrorLine error={remove.error} />
      <FormDialog title={t("models.addAlias", { version })} open={adding} onClose={close} submitLabel={t("models.setAlias")}
        ready={/^[\w-]+$/.test(alias)} submit={async () => {
          await setAlias(model, alias, version);
          await refetch();
        }}>
        <Field label={t("models.alias")} hint={t("models.aliasHint")}>
          {(attributes) => <input {...attributes} className="input mono" value={alias} autoComplete="off" onChange={(event) => setName(event.target.value)} />}
        </Field>
      </FormDialog>
    </span>
  );
}
