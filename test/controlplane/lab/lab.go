// Package lab runs a real Kubernetes control plane on this machine: etcd, API
// server, controller manager and scheduler as processes on loopback, and kwok in
// the place of nodes and kubelets. Pods become ready and go, no container runs.
package lab

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/safe-diff/helm-safe-diff/test/observed"
)

// Version is the Kubernetes that runs.
const Version = observed.Kubernetes

//go:embed stages.yaml
var stages []byte

// Lab is a running control plane. Any number of them fit on one machine.
type Lab struct {
	// Kubeconfig is a file that gives an administrator access.
	Kubeconfig string
	// Config is the same for a client of this process.
	Config *rest.Config

	dir       string
	bin       string
	processes []*exec.Cmd
	ports     map[string]int

	mu     sync.Mutex
	mapper meta.ResettableRESTMapper
}

// Start starts a control plane that keeps its files in dir, with the programs in
// the folder bin, and waits until it serves. It ends with the context, or when the
// caller stops it, also after an error.
func Start(ctx context.Context, bin, dir string) (*Lab, error) {
	l := &Lab{dir: dir, bin: bin, Kubeconfig: filepath.Join(dir, "kubeconfig"), ports: map[string]int{}}
	for _, step := range []func(context.Context) error{
		l.prepare, l.startStore, l.startServer, l.startControllers, l.admit, l.Furnish, l.awaitAccounts,
	} {
		if err := step(ctx); err != nil {
			return l, err
		}
	}
	return l, nil
}

// Stop ends all processes, the youngest first.
func (l *Lab) Stop() {
	for _, p := range slices.Backward(l.processes) {
		_ = p.Process.Kill()
		_ = p.Wait()
	}
	l.processes = nil
}

// Processes returns the IDs of what runs, the oldest first.
func (l *Lab) Processes() []int {
	ids := make([]int, len(l.processes))
	for i, p := range l.processes {
		ids[i] = p.Process.Pid
	}
	return ids
}

func (l *Lab) path(name string) string { return filepath.Join(l.dir, name) }

// prepare writes keys and configuration.
func (l *Lab) prepare(ctx context.Context) error {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"etcd", "peer", "server"} {
		port, err := freePort(ctx)
		if err != nil {
			return err
		}
		l.ports[name] = port
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	token := hex.EncodeToString(secret)
	config := clientcmdapi.NewConfig()
	config.Clusters["lab"] = &clientcmdapi.Cluster{
		Server: fmt.Sprintf("https://127.0.0.1:%d", l.ports["server"]), InsecureSkipTLSVerify: true,
	}
	config.AuthInfos["admin"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["lab"] = &clientcmdapi.Context{Cluster: "lab", AuthInfo: "admin"}
	config.CurrentContext = "lab"
	if err := clientcmd.WriteToFile(*config, l.Kubeconfig); err != nil {
		return err
	}
	if l.Config, err = clientcmd.BuildConfigFromFlags("", l.Kubeconfig); err != nil {
		return err
	}
	l.Config.QPS, l.Config.Burst = 1000, 2000
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return errors.Join(
		os.WriteFile(l.path("sa.key"), pemKey, 0o600),
		os.WriteFile(l.path("tokens.csv"), []byte(token+`,admin,1,"system:masters"`+"\n"+
			ReaderToken+","+Reader+`,2,"system:serviceaccounts,system:serviceaccounts:ci,system:authenticated"`+"\n"+
			TrierToken+","+Trier+`,3,"system:masters"`+"\n"), 0o600),
		os.WriteFile(l.path("audit.yaml"), []byte(auditPolicy), 0o600),
		os.WriteFile(l.path("stages.yaml"), stages, 0o600),
	)
}

// freePort asks the kernel for a port that nobody uses.
func freePort(ctx context.Context) (int, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close() //nolint:errcheck // nothing was written
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func (l *Lab) startStore(ctx context.Context) error {
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", l.ports["etcd"]), fmt.Sprintf("http://127.0.0.1:%d", l.ports["peer"])
	err := l.run(ctx, "etcd-v3.7.0", "--data-dir", l.path("etcd"), "--unsafe-no-fsync", "--log-level", "error",
		"--quota-backend-bytes", "4294967296",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	if err != nil {
		return err
	}
	return l.serves(ctx, "etcd-v3.7.0", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, client+"/health", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		return response.Body.Close()
	})
}

func (l *Lab) startServer(ctx context.Context) error {
	name := "kube-apiserver-" + Version
	err := l.run(ctx, name,
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", l.ports["etcd"]), fmt.Sprintf("--secure-port=%d", l.ports["server"]),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--cert-dir="+l.path("certificates"), "--token-auth-file="+l.path("tokens.csv"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+l.path("sa.key"),
		"--service-account-signing-key-file="+l.path("sa.key"), "--service-cluster-ip-range=10.96.0.0/12", "--allow-privileged",
		"--audit-policy-file="+l.path("audit.yaml"), "--audit-log-path="+l.path("audit.log"), "--audit-log-mode=blocking",
		"--max-requests-inflight=2000", "--max-mutating-requests-inflight=1000", "--enable-priority-and-fairness=false")
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(l.Config)
	if err != nil {
		return err
	}
	return l.serves(ctx, name, func(ctx context.Context) error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

func (l *Lab) startControllers(ctx context.Context) error {
	return errors.Join(
		l.run(ctx, "kube-controller-manager-"+Version, "--kubeconfig="+l.Kubeconfig, "--leader-elect=false", "--secure-port=0",
			"--service-account-private-key-file="+l.path("sa.key"), "--enable-hostpath-provisioner",
			"--kube-api-qps=500", "--kube-api-burst=1000", "--concurrent-deployment-syncs=20", "--concurrent-replicaset-syncs=20",
			"--concurrent-statefulset-syncs=20", "--concurrent-service-endpoint-syncs=20", "--concurrent-endpoint-syncs=5",
			"--pvclaimbinder-sync-period=1s", "--horizontal-pod-autoscaler-sync-period=1s",
			// A quota that was counted before the controller saw all objects stays wrong until the next sync.
			"--resource-quota-sync-period=1s",
			// Nobody sends heartbeats for the nodes.
			"--node-monitor-grace-period=8760h"),
		l.run(ctx, "kube-scheduler-"+Version, "--kubeconfig="+l.Kubeconfig, "--leader-elect=false", "--secure-port=0",
			"--kube-api-qps=500", "--kube-api-burst=1000"),
		l.run(ctx, "kwok-v0.8.0", "--kubeconfig="+l.Kubeconfig, "--config="+l.path("stages.yaml"), "--manage-all-nodes=true",
			"--server-address=127.0.0.1:0", "--node-lease-duration-seconds=0"),
	)
}

// run starts a program that logs into a file of its name.
func (l *Lab) run(ctx context.Context, program string, args ...string) error {
	log, err := os.Create(l.path(program + ".log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the process has its own handle
	cmd := exec.CommandContext(ctx, filepath.Join(l.bin, program), args...)
	// What it is called is under what name it owns fields: without the version.
	cmd.Args[0], _, _ = strings.Cut(program, "-v")
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, l.dir
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	l.processes = append(l.processes, cmd)
	return nil
}

// serves waits until a program answers, and shows the end of its log if it does
// not.
func (l *Lab) serves(ctx context.Context, program string, ask func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		last = ask(ctx)
		return last == nil, nil
	})
	if err == nil {
		return nil
	}
	log, _ := os.ReadFile(l.path(program + ".log"))
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return fmt.Errorf("%s does not serve: %w\n%s", program, last, strings.Join(lines[max(0, len(lines)-5):], "\n"))
}

// Client returns a client for objects of all kinds.
func (l *Lab) Client() (*dynamic.DynamicClient, error) { return dynamic.NewForConfig(l.Config) }
