/** Go anywhere by name. */
import { Dialog as Base } from "@base-ui/react/dialog";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, type NavigateOptions } from "@tanstack/react-router";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { meQuery } from "../api/me";
import { modelsQuery } from "../api/registry";
import { dagsQuery } from "../api/scheduler";
import { endpointsQuery } from "../api/serving";
import { experimentsQuery } from "../api/tracking";
import { t } from "../i18n";
import { Icon, type IconName } from "../ui/icons";
import { useProject } from "./project";

interface Place { name: string; kind: string; icon: IconName; go: NavigateOptions }

function usePlaces(): Place[] {
  const project = useProject();
  const { data: me } = useQuery(meQuery);
  const experiments = useQuery(experimentsQuery("")).data ?? [];
  const models = useQuery(modelsQuery("")).data ?? [];
  const dags = useQuery(dagsQuery).data ?? [];
  const endpoints = useQuery(endpointsQuery).data ?? [];
  const page = t("palette.page");
  return [
    { name: t("nav.home"), kind: page, icon: "home", go: { to: "/p/$project", params: { project } } },
    { name: t("nav.notebooks"), kind: page, icon: "notebook", go: { to: "/p/$project/notebooks", params: { project } } },
    { name: t("nav.experiments"), kind: page, icon: "experiment", go: { to: "/p/$project/experiments", params: { project } } },
    { name: t("nav.models"), kind: page, icon: "model", go: { to: "/p/$project/models", params: { project } } },
    { name: t("nav.pipelines"), kind: page, icon: "pipeline", go: { to: "/p/$project/pipelines", params: { project } } },
    { name: t("nav.deployments"), kind: page, icon: "endpoint", go: { to: "/p/$project/deployments", params: { project } } },
    ...(me?.admin ? [{ name: t("nav.users"), kind: page, icon: "users", go: { to: "/admin/users" } } as Place] : []),
    { name: t("nav.settings"), kind: page, icon: "settings", go: { to: "/settings" } },
    ...experiments.map((it): Place => ({
      name: it.name, kind: t("nav.experiments"), icon: "experiment", go: { to: "/p/$project/experiments/$experiment", params: { project, experiment: it.experiment_id } },
    })),
    ...models.map((it): Place => ({ name: it.name, kind: t("nav.models"), icon: "model", go: { to: "/p/$project/models/$model", params: { project, model: it.name } } })),
    ...dags.map((it): Place => ({ name: it.dag_id, kind: t("nav.pipelines"), icon: "pipeline", go: { to: "/p/$project/pipelines/$dag", params: { project, dag: it.dag_id } } })),
    ...endpoints.map((it): Place => ({
      name: it.name, kind: t("nav.deployments"), icon: "endpoint", go: { to: "/p/$project/deployments/$endpoint", params: { project, endpoint: it.name } },
    })),
  ];
}

export default function Palette({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const places = usePlaces().filter((place) => words.every((word) => `${place.name} ${place.kind}`.toLowerCase().includes(word))).slice(0, 50);
  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: "nearest" });
  }, [active]);
  const open = (place: Place | undefined): void => {
    if (!place) return;
    onClose();
    void navigate(place.go);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Enter") return open(places[active]);
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0 || places.length === 0) return;
    event.preventDefault();
    setActive((active + step + places.length) % places.length);
  };
  return (
    <Base.Root open onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="scrim" />
        <Base.Popup className="dialog palette" aria-label={t("palette.open")}>
          <input role="combobox" aria-expanded="true" aria-controls="palette-list" aria-label={t("palette.open")} placeholder={t("palette.open")}
            aria-activedescendant={places.length > 0 ? `palette-${active}` : undefined} value={typed} autoComplete="off" spellCheck={false}
            onChange={(event) => {
              setTyped(event.target.value);
              setActive(0);
            }} onKeyDown={onKeyDown} />
          <ul id="palette-list" role="listbox" ref={list} aria-label={t("palette.open")}>
            {places.map((place, index) => (
              <li key={`${place.kind}/${place.name}`} id={`palette-${index}`} role="option" aria-selected={index === active}
                onPointerMove={() => setActive(index)} onClick={() => open(place)}>
                <Icon name={place.icon} /><span className="truncate">{place.name}</span><span className="kind">{place.kind}</span>
              </li>
            ))}
          </ul>
          {places.length === 0 && <p className="muted" style={{ padding: 16 }}>{t("palette.nothing")}</p>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
