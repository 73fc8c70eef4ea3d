{{- define "autoshield.labels" -}}
app.kubernetes.io/name: autoshield
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: autoshield
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

{{/* The token that the controller's certificate authority accepts, and the authorities to believe: these pods start when the controller has published them. */}}
{{- define "autoshield.identityVolume" -}}
name: identity
projected:
  sources:
    - serviceAccountToken: { path: token, audience: autoshield, expirationSeconds: 3600 }
    - configMap: { name: autoshield-authorities, items: [{ key: ca.pem, path: ca.pem }] }
{{- end }}

{{/* Where pods reach the controller and the detector: a Service's name needs the cluster's DNS, its address does not. */}}
{{- define "autoshield.controllerEndpoint" -}}
{{ .Values.controller.clusterIP | default (printf "autoshield-controller.%s.svc" .Release.Namespace) }}:8444
{{- end }}
{{- define "autoshield.detectorEndpoint" -}}
{{ .Values.detector.clusterIP | default (printf "autoshield-detector.%s.svc" .Release.Namespace) }}:18001
{{- end }}
