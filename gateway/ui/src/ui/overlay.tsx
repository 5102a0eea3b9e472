import { Dialog as Base } from "@base-ui/react/dialog";
import { useState, type FormEvent, type ReactNode } from "react";
import { t } from "../i18n";
import { Button, Field } from "./controls";
import { ErrorLine } from "./loaded";

/** Where the focus goes when a dialog closes; `true`: back to where it was. */
type FinalFocus = () => HTMLElement | null | true;

export function Dialog({ title, open, onClose, finalFocus, children }: {
  title: string; open: boolean; onClose: () => void; finalFocus?: FinalFocus; children: ReactNode;
}) {
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="scrim" />
        <Base.Popup className="dialog" finalFocus={finalFocus}>
          <Base.Title render={<h2 />}>{title}</Base.Title>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** A form in a dialog: submits once, stays open with the reason when that fails. */
export function FormDialog({ title, open, onClose, submit, onDone, submitLabel, danger = false, ready = true, finalFocus, children }: {
  title: string;
  open: boolean;
  onClose: () => void;
  submit: () => Promise<unknown>;
  /** After it was submitted and closed. */
  onDone?: () => void;
  submitLabel: string;
  danger?: boolean;
  ready?: boolean;
  finalFocus?: FinalFocus;
  children: ReactNode;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const close = (): void => {
    setError(null);
    onClose();
  };
  const onSubmit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      await submit();
      close();
      onDone?.();
    } catch (failure) {
      setError(failure as Error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} open={open} onClose={close} finalFocus={finalFocus}>
      <form className="stack" onSubmit={(event) => void onSubmit(event)}>
        {children}
        <ErrorLine error={error} />
        <div className="actions">
          <Button onClick={close}>{t("action.cancel")}</Button>
          <Button type="submit" variant={danger ? "danger" : "primary"} disabled={busy || !ready}>{submitLabel}</Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Asks for the name of what is about to be destroyed. */
export function ConfirmName({ title, name, text, open, onClose, submit, submitLabel, finalFocus }: {
  title: string; name: string; text: string; open: boolean; onClose: () => void; submit: () => Promise<unknown>; submitLabel: string;
  finalFocus?: FinalFocus;
}) {
  const [typed, setTyped] = useState("");
  const close = (): void => {
    setTyped("");
    onClose();
  };
  return (
    <FormDialog title={title} open={open} onClose={close} submit={submit} submitLabel={submitLabel} danger ready={typed === name}
      finalFocus={finalFocus}>
      <p>{text}</p>
      <Field label={t("confirm.typeName", { name })}>
        {(attributes) => <input {...attributes} className="input mono" autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />}
      </Field>
    </FormDialog>
  );
}
