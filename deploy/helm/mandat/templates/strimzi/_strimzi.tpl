{{- /* The Kafka whose topics and users these are. */}}
{{- define "mandat.kafka.cluster" -}}
{{ .Values.kafka.strimzi.cluster | default (printf "%s-kafka" .Release.Name) }}
{{- end }}

{{- /* The KafkaUser of a service, or of who verifies all their audits: {root, service, component}. */}}
{{- define "mandat.strimzi.user" -}}
{{ include "mandat.name" (eq (default "" .component) "audit" | ternary (dict "root" .root "service" "auditor") .) }}
{{- end }}

{{- define "mandat.strimzi.labels" -}}
{{ include "mandat.labels" . }}
strimzi.io/cluster: {{ include "mandat.kafka.cluster" .root }}
{{- end }}

{{- /* Of what holds records: it stays when the release goes. A user does not: who leaves the values may no longer sign in. */}}
{{- define "mandat.strimzi.kept" -}}
labels: {{- include "mandat.strimzi.labels" (dict "root" .) | nindent 2 }}
{{- if .Values.kafka.strimzi.keep }}
annotations: {helm.sh/resource-policy: keep}
{{- end }}
{{- end }}

{{- /* One rule of a KafkaUser for each of the contracts' list: {acls, prefix}. */}}
{{- define "mandat.strimzi.acls" -}}
{{- range .acls }}
- resource: {type: {{ .resource }}, name: {{ printf "%s%s" $.prefix .name | quote }}, patternType: {{ .pattern | default "literal" }}}
  operations: {{ toJson .operations }}
{{- end }}
{{- end }}

{{- /* Strimzi's name for how a user signs in, by that of kafka.authentication. */}}
{{- define "mandat.strimzi.authentication" -}}
{{- if eq . "mtls" }}
authentication: {type: tls}
{{- else if ne . "oauthbearer" }}
authentication: {type: {{ . }}}
{{- end }}
{{- end }}
