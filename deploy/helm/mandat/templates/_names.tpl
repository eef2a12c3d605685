{{- /* Names, labels, and which Deployments there are. Every template gets a dict {root: $, service: NAME, component: NAME}. */}}

{{- define "mandat.name" -}}
{{- if gt (len .root.Release.Name) 30 }}{{ fail "the release's name has more than 30 characters: the names of its objects would be too long" }}{{ end -}}
{{ .root.Release.Name }}-{{ .service }}
{{- end }}

{{- /* What runs, as {items: [{service, component, name, settings}]}; settings are the values of that Deployment. */}}
{{- define "mandat.deployments" -}}
items:
{{- range $service, $values := .Values.services }}
{{- range $component := eq $.Values.shape "split" | ternary (list "api" "worker") (list "all") }}
  - service: {{ $service }}
    component: {{ $component }}
    name: {{ include "mandat.name" (dict "root" $ "service" $service) }}{{ if ne $component "all" }}-{{ $component }}{{ end }}
    settings: {{ get $values (eq $component "all" | ternary "whole" $component) | toJson }}
{{- end }}
{{- end }}
{{- end }}

{{- define "mandat.selector" -}}
app.kubernetes.io/name: {{ .service }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "mandat.labels" -}}
{{- if .service }}
{{- include "mandat.selector" . }}
{{- else -}}
app.kubernetes.io/name: mandat
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}
app.kubernetes.io/part-of: mandat
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "mandat.image" -}}
{{- $image := .root.Values.image -}}
{{- $tag := $image.tag | default (printf "%s-%s" .root.Chart.AppVersion .root.Values.agency) -}}
{{- with $image.registry }}{{ trimSuffix "/" . }}/{{ end }}mandat-{{ .service }}
{{- with get (get .root.Values.services .service) "digest" }}@{{ . }}{{ else }}:{{ $tag }}{{ end }}
{{- end }}

{{- /* The component that serves the gateway. */}}
{{- define "mandat.gateway" -}}
{{ eq .Values.shape "split" | ternary "api" "all" }}
{{- end }}

{{- /* The component that consumes, relays and sends. */}}
{{- define "mandat.worker" -}}
{{ eq .Values.shape "split" | ternary "worker" "all" }}
{{- end }}

{{- /* What the contracts say: files/contracts.yaml, which python -m contracts.generate writes. */}}
{{- define "mandat.contracts" -}}
{{ .Files.Get "files/contracts.yaml" }}
{{- end }}
