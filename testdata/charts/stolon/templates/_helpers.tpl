{{- define "stolon.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
{{- define "stolon.container" -}}
image: {{ .root.Values.image }}
command: [stolon-{{ .component }}]
env:
  - name: ST{{ upper .component }}_CLUSTER_NAME
    value: {{ .root.Release.Name }}
  - name: ST{{ upper .component }}_STORE_BACKEND
    value: kubernetes
{{- end }}
