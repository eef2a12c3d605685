{{- /* The clusters that there are, as {items: [{name, services, settings}]}: one for all services, or one for each. */}}
{{- define "mandat.postgres.clusters" -}}
{{- $operator := .Values.postgres.cloudnativePg -}}
items:
{{- if eq $operator.clusters "each" }}
{{- range $service, $_ := .Values.services }}
  - name: {{ include "mandat.postgres.cluster" (dict "root" $ "service" $service) }}
    of: {{ $service }}
    services: [{{ $service }}]
    settings: {{ mergeOverwrite (deepCopy (omit $operator "services")) (get $operator.services $service | default dict) | toJson }}
{{- end }}
{{- else }}
  - name: {{ include "mandat.postgres.cluster" (dict "root" $ "service" "") }}
    of: all
    services: {{ keys .Values.services | sortAlpha | toJson }}
    settings: {{ omit $operator "services" | toJson }}
{{- end }}
{{- end }}

{{- /* The cluster with a service's database: {root, service}. One that was restored has another name than before. */}}
{{- define "mandat.postgres.cluster" -}}
{{- $operator := .root.Values.postgres.cloudnativePg -}}
{{- $each := eq $operator.clusters "each" -}}
{{- $restored := get $operator.restored ($each | ternary .service "all") | default dict -}}
{{ .root.Release.Name }}{{ if $each }}-{{ .service }}{{ end }}-postgres{{ with $restored.generation }}-{{ . }}{{ end }}
{{- end }}

{{- define "mandat.postgres.pooler" -}}
{{ include "mandat.postgres.cluster" . }}-api
{{- end }}

{{- define "mandat.postgres.metadata" -}}
labels: {{- include "mandat.labels" (dict "root" .) | nindent 2 }}
{{- if .Values.postgres.cloudnativePg.keep }}
annotations:
  helm.sh/resource-policy: keep
{{- end }}
{{- end }}
