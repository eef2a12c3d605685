{{- /*
The clusters that there are, as {items: [{name, services, settings, restored}]}: one for all services, or one for each.
A restored one stands beside the one that is used, until it is used itself.
*/}}
{{- define "mandat.postgres.clusters" -}}
{{- $operator := .Values.postgres.cloudnativePg -}}
{{- $each := eq $operator.clusters "each" -}}
{{- $all := keys .Values.services | sortAlpha -}}
{{- range $of, $_ := $operator.restored }}
{{- if eq (eq $of "all") $each }}{{ fail (printf "postgres.cloudnativePg.restored.%s: there is no such cluster with clusters: %s" $of $operator.clusters) }}{{ end }}
{{- end }}
{{- if and $operator.services (not $each) }}{{ fail "postgres.cloudnativePg.services: nothing differs by service with clusters: one" }}{{ end }}
items:
{{- range $of := $each | ternary $all (list "all") }}
{{- $settings := mergeOverwrite (deepCopy (omit $operator "services" "restored")) (get $operator.services $of | default dict) }}
{{- $restored := get $operator.restored $of | default dict }}
{{- $plain := include "mandat.postgres.plain" (dict "root" $ "of" $of) }}
{{- $item := dict "name" $plain "services" (eq $of "all" | ternary $all (list $of)) "settings" $settings "restored" dict }}
{{- if not (and $restored.generation $restored.use) }}
  - {{ toJson $item }}
{{- end }}
{{- with $restored.generation }}
  - {{ merge (dict "name" (printf "%s-%s" $plain .) "restored" $restored) $item | toJson }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The name of a cluster that was never restored: {root, of: service or all}. */}}
{{- define "mandat.postgres.plain" -}}
{{ .root.Release.Name }}{{ if ne .of "all" }}-{{ .of }}{{ end }}-postgres
{{- end }}

{{- /* The cluster that a service uses: {root, service}. */}}
{{- define "mandat.postgres.cluster" -}}
{{- $operator := .root.Values.postgres.cloudnativePg -}}
{{- $of := eq $operator.clusters "each" | ternary .service "all" -}}
{{- $restored := get $operator.restored $of | default dict -}}
{{ include "mandat.postgres.plain" (dict "root" .root "of" $of) }}{{ if and $restored.generation $restored.use }}-{{ $restored.generation }}{{ end }}
{{- end }}

{{- /* The roles of a service's database, as a list in JSON: its owner, and who verifies its audit. {root, service} */}}
{{- define "mandat.postgres.roles" -}}
{{- $own := get .root.Values.services .service -}}
{{- .root.Values.auditVerification.enabled | ternary (list $own.database $own.auditor) (list $own.database) | toJson -}}
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
