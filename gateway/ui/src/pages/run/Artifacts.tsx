import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { artifactsQuery, artifactUrl, type ArtifactFile } from "../../api/tracking";
import { t } from "../../i18n";
import { bytes } from "../../i18n/format";
import { useProject } from "../../shell/project";
import { Snippet } from "../../ui/controls";
import { Icon } from "../../ui/icons";
import { Loaded } from "../../ui/loaded";
import { Empty } from "../../ui/page";
import { FileView } from "./FileView";
import { parentsOf } from "./files";

const route = getRouteApi("/app/p/$project/runs/$run/artifacts");

export function Artifacts() {
  const { run } = route.useParams();
  const { path = "" } = route.useSearch();
  const root = useQuery(artifactsQuery(run, ""));
  const parent = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
  const siblings = useQuery({ ...artifactsQuery(run, parent), enabled: path !== "" });
  const file = siblings.data?.find((one) => one.path === path && !one.is_dir);
  return (
    <Loaded query={root} what={t("error.artifacts")}>
      {(files) => files.length === 0 ? <NoArtifacts /> : (
        <div className="artifacts">
          <nav className="panel tree" aria-label={t("run.artifacts")}><Folder run={run} files={files} selected={path} depth={0} /></nav>
          <div className="panel view">
            {file ? <FileView key={path} url={artifactUrl(run, path)} path={path} size={file.file_size} /> : <p className="muted padded">{t("artifacts.choose")}</p>}
          </div>
        </div>
      )}
    </Loaded>
  );
}

function Folder({ run, files, selected, depth }: { run: string; files: readonly ArtifactFile[]; selected: string; depth: number }) {
  return (
    <ul>
      {files.map((file) => file.is_dir
        ? <SubFolder key={file.path} run={run} path={file.path} selected={selected} depth={depth} />
        : <File key={file.path} run={run} file={file} selected={selected} depth={depth} />)}
    </ul>
  );
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

function SubFolder({ run, path, selected, depth }: { run: string; path: string; selected: string; depth: number }) {
  const [open, setOpen] = useState(parentsOf(selected).includes(path));
  const files = useQuery({ ...artifactsQuery(run, path), enabled: open });
  return (
    <li>
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)} style={{ paddingLeft: 8 + depth * 16 }}>
        <Icon name={open ? "down" : "right"} /><Icon name="folder" /><span className="truncate">{nameOf(path)}</span>
      </button>
      {open && <Loaded query={files} what={t("error.artifacts")} rows={2}>{(found) => <Folder run={run} files={found} selected={selected} depth={depth + 1} />}</Loaded>}
    </li>
  );
}

function File({ run, file, selected, depth }: { run: string; file: ArtifactFile; selected: string; depth: number }) {
  const project = useProject();
  return (
    <li>
      <Link to="/p/$project/runs/$run/artifacts" params={{ project, run }} search={{ path: file.path }} replace
        aria-current={file.path === selected ? "true" : undefined} style={{ paddingLeft: 28 + depth * 16 }}>
        <Icon name="file" /><span className="truncate grow">{nameOf(file.path)}</span><span className="tiny faint num">{bytes(file.file_size)}</span>
      </Link>
    </li>
  );
}

function NoArtifacts() {
  return (
    <Empty title={t("artifacts.empty")}>
      <p>{t("artifacts.emptyHow")}</p>
      <Snippet label="Python" code={'mlflow.log_figure(figure, "confusion.png")\nmlflow.log_text("…", "notes.txt")'} />
    </Empty>
  );
}
