{{- define "autoshield.labels" -}}
app.kubernetes.io/name: autoshield
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: autoshield
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* What a Deployment, its Service and its policies choose pods by. One installation a namespace, so the release's name is not needed. */}}
{{- define "autoshield.selector" -}}
app.kubernetes.io/name: autoshield
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* On pods: what is chosen by, and nothing that changes with a release, for that would restart them. */}}
{{- define "autoshield.podLabels" -}}
app.kubernetes.io/name: autoshield
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: autoshield
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{/* Cluster-wide objects carry the namespace in their names, so that installations do not collide. src/controller/registration/owner.ts knows the controller's. */}}
{{- define "autoshield.clusterName" -}}
autoshield-{{ .component }}-{{ .root.Release.Namespace }}
{{- end }}

{{/* What every process of ours runs under: it fits Pod Security `restricted`. */}}
{{- define "autoshield.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "autoshield.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "autoshield.imagePullSecrets" -}}
{{- with .Values.imagePullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The token that the controller's certificate authority accepts, and the authorities to believe: these pods start when the controller has published them. */}}
{{- define "autoshield.identityVolume" -}}
name: identity
projected:
  sources:
    - serviceAccountToken: { path: token, audience: autoshield, expirationSeconds: 3600 }
    - configMap: { name: autoshield-authorities, items: [{ key: ca.pem, path: ca.pem }] }
{{- end }}

{{/* Where pods reach the controller, the detector and the xDS servers: a Service's name needs the cluster's DNS, its address does not. */}}
{{- define "autoshield.host" -}}
{{- if contains ":" . }}[{{ . }}]{{ else }}{{ . }}{{ end }}
{{- end }}
{{- define "autoshield.controllerEndpoint" -}}
{{ include "autoshield.host" (.Values.controller.clusterIP | default (printf "autoshield-controller.%s.svc" .Release.Namespace)) }}:8444
{{- end }}
{{- define "autoshield.detectorEndpoint" -}}
{{ include "autoshield.host" (.Values.detector.clusterIP | default (printf "autoshield-detector.%s.svc" .Release.Namespace)) }}:18001
{{- end }}
{{- define "autoshield.xdsEndpoint" -}}
{{ include "autoshield.host" (.Values.xds.clusterIP | default (printf "autoshield-xds.%s.svc" .Release.Namespace)) }}:18000
{{- end }}
