//! A certificate authority of one cluster, its brokers' certificate and a client's, as PEM files.

use std::fs::{read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes them with openssl(1) in `folder`.
    pub(crate) fn make(folder: &Path) -> Certificates {
        let certificates = Certificates { folder: folder.to_owned() };
        certificates
            .openssl(&format!("req -x509 {NEW_KEY} -keyout ca.key -out ca.pem -subj /CN=tests-ca -days 2"));
        // The broker needs one extension more than the client: the addresses that it may answer for.
        for (name, extensions) in [("server", "subjectAltName=DNS:localhost,IP:127.0.0.1\n"), ("client", "")]
        {
            write(
                folder.join(format!("{name}.extensions")),
                format!("basicConstraints=CA:FALSE\n{extensions}"),
            )
            .unwrap();
            certificates
                .openssl(&format!("req {NEW_KEY} -keyout {name}.key -out {name}.request -subj /CN={name}"));
            certificates.openssl(&format!(
                "x509 -req -in {name}.request -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
                 -extfile {name}.extensions -out {name}.pem"
            ));
        }
        let both: String = ["server.key", "server.pem"]
            .iter()
            .map(|file| read_to_string(folder.join(file)).unwrap())
            .collect();
        write(certificates.server_keystore(), both).unwrap();
        certificates
    }

    /// What clients must trust.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Signed by the CA, for `CN=client`.
    pub(crate) fn client_certificate(&self) -> PathBuf {
        self.folder.join("client.pem")
    }

    pub(crate) fn client_key(&self) -> PathBuf {
        self.folder.join("client.key")
    }

    /// Key and certificate in one file, as Kafka wants them.
    pub(crate) fn server_keystore(&self) -> PathBuf {
        self.folder.join("server-keystore.pem")
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&self.folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "openssl {arguments}:\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

const NEW_KEY: &str = "-newkey rsa:2048 -nodes";
