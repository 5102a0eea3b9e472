import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "../../api/http";
import { t } from "../../i18n";
import { bytes } from "../../i18n/format";
import { Button } from "../../ui/controls";
import { Icon } from "../../ui/icons";
import { Loaded } from "../../ui/loaded";
import { kindOf, parseTable, prettyJson, type FileKind } from "./files";

/** Larger files are shown only when asked for. */
const LARGE = 5_000_000;
const TABLE_ROWS = 500;

export function FileView({ url, path, size }: { url: string; path: string; size: number | null | undefined }) {
  const kind = kindOf(path);
  const [asked, setAsked] = useState(false);
  const tooLarge = (size ?? 0) > LARGE && !asked;
  return (
    <div className="file-view">
      <div className="file-head">
        <code className="truncate">{path}</code><span className="small muted num">{bytes(size)}</span>
        <a className="button end" href={url} download><Icon name="download" />{t("action.download")}</a>
      </div>
      {kind === "binary" && <p className="muted padded">{t("artifacts.binary")}</p>}
      {kind !== "binary" && tooLarge && (
        <div className="padded stack"><p>{t("artifacts.large", { size: bytes(size) })}</p><div><Button onClick={() => setAsked(true)}>{t("artifacts.showAnyway")}</Button></div></div>
      )}
      {kind !== "binary" && !tooLarge && <Content url={url} path={path} kind={kind} />}
    </div>
  );
}

function Content({ url, path, kind }: { url: string; path: string; kind: FileKind }) {
  if (kind === "image") return <div className="image-view"><img src={url} alt={t("artifacts.image", { path })} /></div>;
  if (kind === "audio") return <audio controls src={url} aria-label={path} />;
  if (kind === "video") return <video controls src={url} aria-label={path} />;
  return <TextContent url={url} path={path} kind={kind} />;
}

function TextContent({ url, path, kind }: { url: string; path: string; kind: FileKind }) {
  const text = useQuery({
    queryKey: ["artifact-text", url],
    queryFn: async ({ signal }) => (await send(url, { signal })).text(),
    meta: { topics: ["artifact.artifacts"] },
  });
  return (
    <Loaded query={text} what={t("error.file")}>
      {(found) => kind === "table" ? <Rows rows={parseTable(found, path.endsWith(".tsv") ? "\t" : ",", TABLE_ROWS + 1)} path={path} />
        // What people made is shown without scripts and without this site's origin.
        : kind === "page" ? <iframe sandbox="" srcDoc={found} title={path} />
        : <pre className="text-view" tabIndex={0} role="region" aria-label={path}>{kind === "json" ? prettyJson(found) : found}</pre>}
    </Loaded>
  );
}

function Rows({ rows: [head = [], ...rows], path }: { rows: string[][]; path: string }) {
  return (
    <div className="text-view" tabIndex={0} role="region" aria-label={path}>
      <table className="table">
        <thead><tr>{head.map((cell, index) => <th key={index} scope="col">{cell}</th>)}</tr></thead>
        <tbody>{rows.map((row, index) => <tr key={index}>{row.map((cell, at) => <td key={at} className="num">{cell}</td>)}</tr>)}</tbody>
      </table>
      {rows.length >= TABLE_ROWS && <p className="small muted padded">{t("artifacts.firstRows", { count: TABLE_ROWS })}</p>}
    </div>
  );
}
