import "@fontsource-variable/inter";
import "@fontsource-variable/jetbrains-mono";
import "./theme/base.css";
import "./ui/ui.css";

import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { whenSignedOut } from "./api/http";
import { queryClient } from "./api/query";
import { startLanguage, useLanguage } from "./i18n";
import { router } from "./router";
import { applyTheme } from "./theme/theme";

/** Mounted anew in the other language, so that every word on the page changes. */
function App() {
  return <RouterProvider key={useLanguage()} router={router} />;
}

whenSignedOut(() => {
  const { pathname, href } = router.state.location;
  if (pathname !== "/login") void router.navigate({ to: "/login", search: { next: href } });
});

applyTheme();
void startLanguage().then(() => {
  createRoot(document.getElementById("app") as HTMLElement).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}><App /></QueryClientProvider>
    </StrictMode>,
  );
});
