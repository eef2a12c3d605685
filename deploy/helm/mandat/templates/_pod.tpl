{{- /* What all pods have alike, those of Jobs and tests too: Pod Security "restricted", and no way to Kubernetes itself. */}}

{{- define "mandat.pod" -}}
serviceAccountName: {{ include "mandat.name" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .root.Values.pods.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.pods.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .root.Values.pods.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- end }}

{{- define "mandat.container" -}}
image: {{ include "mandat.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "mandat.mounts" -}}
{{- range (include "mandat.files" . | fromYaml).items }}
- {name: {{ .name }}, mountPath: {{ .path }}, readOnly: true}
{{- end }}
- {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "mandat.volumes" -}}
{{- range (include "mandat.files" . | fromYaml).items }}
- name: {{ .name }}
  {{- if .secret }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
  {{- else }}
  configMap:
    name: {{ .configMap }}
  {{- end }}
    items:
    {{- range $file, $key := .files }}
      - {key: {{ $key }}, path: {{ $file }}}
    {{- end }}
{{- end }}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- end }}
