/** The four states of everything that is fetched: waiting, failed, stale while it is fetched again, there. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "../api/http";
import { t } from "../i18n";
import { Button, CopyButton } from "./controls";

export function Skeleton({ rows = 6 }: { rows?: number }) {
  return (
    <div className="skeleton" aria-busy="true">
      <p className="visually-hidden">{t("state.loading")}</p>
      {Array.from({ length: rows }, (_, index) => <span key={index} style={{ width: `${92 - ((index * 17) % 40)}%` }} />)}
    </div>
  );
}

/** What failed, why, which request it was, and another try. */
export function ErrorBox({ what, error, retry }: { what: string; error: Error; retry?: () => void }) {
  const id = error instanceof ApiError ? error.requestId : "";
  return (
    <div className="error-box" role="alert">
      <h2>{what}</h2>
      <p className="why">{reason(error)}</p>
      {id && <p className="small muted row">{t("error.requestId")} <code>{id}</code><CopyButton text={id} /></p>}
      {retry && <Button icon="retry" onClick={retry}>{t("action.retry")}</Button>}
    </div>
  );
}

/** The reason alone, for a line under a form. */
export function reason(error: Error): string {
  if (!(error instanceof ApiError)) return error.message;
  if (error.status === 0) return t("error.unreachable");
  if (error.status === 403 && !error.message) return t("error.forbidden");
  return error.message;
}

export function ErrorLine({ error }: { error: Error | null }) {
  if (!error) return null;
  const id = error instanceof ApiError ? error.requestId : "";
  return <p className="error-line" role="alert">{reason(error)}{id && <> · <code>{id}</code></>}</p>;
}

type Fetched<T> = Pick<UseQueryResult<T>, "data" | "error" | "isFetching" | "isPlaceholderData" | "refetch">;

export function Loaded<T>({ query, what, rows, skeleton, children }: {
  query: Fetched<T>; what: string; rows?: number; skeleton?: ReactNode; children: (data: T) => ReactNode;
}) {
  if (query.data === undefined) {
    if (query.error) return <ErrorBox what={what} error={query.error} retry={() => void query.refetch()} />;
    return skeleton ?? <Skeleton rows={rows} />;
  }
  return (
    <>
      {query.error && <ErrorBox what={what} error={query.error} retry={() => void query.refetch()} />}
      {children(query.data)}
    </>
  );
}
