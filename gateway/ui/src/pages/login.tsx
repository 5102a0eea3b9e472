import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useEffect, useState, type FormEvent } from "react";
import { ApiError } from "../api/http";
import { login, loginMethodsQuery } from "../api/me";
import { LANGUAGES, setLanguage, t, useLanguage } from "../i18n";
import { Mark } from "../shell/Shell";
import { Button, Field, Segmented } from "../ui/controls";
import { ErrorLine } from "../ui/loaded";
import "./login.css";

const route = getRouteApi("/login");

export function Login() {
  const { next } = route.useSearch();
  const client = useQueryClient();
  const navigate = useNavigate();
  const language = useLanguage();
  const { data: methods } = useQuery(loginMethodsQuery);
  const provider = methods?.single_sign_on;
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    document.title = `${t("login.title")} · Artel`;
  }, []);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await login(name.trim(), password);
      client.clear();
      await open();
    } catch (failure) {
      setError(failure as Error);
      setBusy(false);
    }
  };
  /** Paths that are not pages of this app (a notebook server's, an OAuth step's) are the server's: load them. */
  const open = async (): Promise<void> => {
    if (next && !/^\/($|[?#]|p\/|admin\/|settings)/.test(next)) window.location.assign(next);
    else await navigate({ to: next ?? "/" });
  };

  return (
    <main className="login">
      <form className="panel padded stack" onSubmit={(event) => void submit(event)}>
        <div className="row"><Mark /><h1>{t("login.title")}</h1></div>
        <Field label={t("login.name")}>
          {(attributes) => (
            <input {...attributes} className="input" name="username" autoComplete="username" autoFocus required autoCapitalize="none"
              spellCheck={false} value={name} onChange={(event) => setName(event.target.value)} />
          )}
        </Field>
        <Field label={t("login.password")}>
          {(attributes) => (
            <input {...attributes} className="input" name="password" type="password" autoComplete="current-password" required
              value={password} onChange={(event) => setPassword(event.target.value)} />
          )}
        </Field>
        {wrong(error) ? <p className="error-line" role="alert">{t("login.wrong")}</p> : <ErrorLine error={error} />}
        <Button type="submit" variant="primary" disabled={busy}>{t("login.submit")}</Button>
        {provider && (
          <a className="button" href={`${provider.url}?next=${encodeURIComponent(next ?? "/")}`}>{t("login.provider", { name: provider.name })}</a>
        )}
      </form>
      <Segmented label={t("language.title")} value={language} options={LANGUAGES.map((code) => [code, t(`language.${code}`)] as const)}
        onChange={(code) => void setLanguage(code)} />
    </main>
  );
}

const wrong = (error: Error | null): boolean =>
  error instanceof ApiError && (error.status === 401 || (error.status === 403 && !error.message));
