import { useEffect, useId, useRef, useState, type ButtonHTMLAttributes, type ReactElement, type ReactNode, type Ref } from "react";
import { t } from "../i18n";
import { Icon, type IconName } from "./icons";

type Variant = "plain" | "primary" | "danger" | "ghost";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  variant?: Variant;
  icon?: IconName;
  /** Why the button does nothing; disables it and says so on hover and to screen readers. */
  unusable?: string;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ variant = "plain", icon, unusable, children, className = "", ...rest }: ButtonProps) {
  return (
    <button type="button" className={`button ${variant} ${children ? "" : "icon"} ${className}`} {...rest}
      title={unusable ?? rest.title} disabled={rest.disabled || unusable !== undefined}>
      {icon && <Icon name={icon} fill={icon === "play" || icon === "stop"} />}
      {children}
    </button>
  );
}

/** A button that is only an icon; its label is its accessible name and its tooltip. */
export function IconButton({ label, variant = "ghost", ...rest }: Omit<ButtonProps, "children"> & { label: string; icon: IconName }) {
  return <Button variant={variant} aria-label={label} title={label} {...rest} />;
}

export function Switch({ on, label, disabled, onChange }: { on: boolean; label: string; disabled?: boolean; onChange: (on: boolean) => void }) {
  return (
    <button type="button" role="switch" className="switch" aria-checked={on} aria-label={label} title={label}
      disabled={disabled} onClick={() => onChange(!on)} />
  );
}

export function Segmented<T extends string>({ value, options, label, onChange }: {
  value: T; options: readonly (readonly [T, string])[]; label: string; onChange: (value: T) => void;
}) {
  return (
    <div className="segmented" role="group" aria-label={label}>
      {options.map(([option, word]) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => onChange(option)}>{word}</button>
      ))}
    </div>
  );
}

/** A labelled control: gives its child the id that the label names. */
export function Field({ label, hint, error, children }: {
  label: string; hint?: ReactNode; error?: string; children: (attributes: { id: string; "aria-describedby"?: string }) => ReactElement;
}) {
  const id = useId();
  const described = hint || error ? `${id}-hint` : undefined;
  return (
    <div className="field">
      <label className="label" htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": described })}
      {error ? <span className="error-line" id={described} role="alert">{error}</span>
        : hint ? <span className="hint" id={described}>{hint}</span> : null}
    </div>
  );
}

export function CheckBox({ label, checked, onChange }: { label: ReactNode; checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <label className="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}

/** Copies, and says for a moment that it did. Plain-HTTP pages have no clipboard API: there the text gets selected. */
export function CopyButton({ text, label = t("action.copy"), className = "" }: { text: string; label?: string; className?: string }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (): Promise<void> => {
    await copyText(text);
    setCopied(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(false), 1500);
  };
  const word = copied ? t("action.copied") : label;
  return <IconButton icon={copied ? "check" : "copy"} label={word} className={className} onClick={() => void copy()} />;
}

async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** An id or a path in monospace with its copy button. */
export function Copyable({ text, shown = text }: { text: string; shown?: string }) {
  return (
    <span className="copyable">
      <code className="truncate" title={text}>{shown}</code>
      <CopyButton text={text} label={t("action.copyThis", { what: shown })} />
    </span>
  );
}

export function Snippet({ code, label }: { code: string; label: string }) {
  return (
    <div className="snippet">
      <pre tabIndex={0} role="group" aria-label={label}><code>{code}</code></pre>
      <CopyButton className="copy" text={code} label={t("action.copyThis", { what: label })} />
    </div>
  );
}
